// LBMETA. The golden fields are those of Testing/data/layouts/label_meta.py.

#include "igtlLabelMetaMessage.h"
#include "program.hpp"

using program::Text;

namespace {

void Pack() {
  igtl::LabelMetaElement::Pointer first = igtl::LabelMetaElement::New();
  first->SetName("Leber, Läsion");
  first->SetDeviceName("LABEL_0");
  first->SetLabel(1);
  first->SetRGBA(255, 128, 0, 200);
  first->SetSize(512, 511, 300);
  first->SetOwner("IMAGE_0");

  igtl::LabelMetaElement::Pointer second = igtl::LabelMetaElement::New();
  second->SetName(Text(64, 'N').c_str());
  second->SetDeviceName(Text(20, 'I').c_str());
  second->SetLabel(255);
  second->SetRGBA(0, 0, 0, 0);
  second->SetSize(65535, 0, 1);
  second->SetOwner(Text(20, 'O').c_str());

  igtl::LabelMetaMessage::Pointer message = igtl::LabelMetaMessage::New();
  message->AddLabelMetaElement(first);
  message->AddLabelMetaElement(second);
  program::Write("label_meta", message, "Database");
  igtl::LabelMetaMessage::Pointer empty = igtl::LabelMetaMessage::New();
  program::Write("label_meta_empty", empty, "Database");
}

json::Object PrintLabelMeta(const program::Received& received) {
  igtl::LabelMetaMessage::Pointer message = program::Unpack<igtl::LabelMetaMessage>(received);
  std::vector<std::string> items;
  for (int n = 0; n < message->GetNumberOfLabelMetaElement(); ++n) {
    igtl::LabelMetaElement::Pointer element;
    igtlUint8 rgba[4];
    igtlUint16 size[3];
    message->GetLabelMetaElement(n, element);
    element->GetRGBA(rgba);
    element->GetSize(size);
    json::Object item;
    item.AddText("name", element->GetName());
    item.AddText("id", element->GetDeviceName());
    item.AddNumber("label", element->GetLabel());
    item.AddNumbers("rgba", rgba, 4);
    item.AddNumbers("size", size, 3);
    item.AddText("owner", element->GetOwner());
    items.push_back(item.Str());
  }
  return received.Fields().AddList("items", items);
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"LBMETA", PrintLabelMeta}});
}
