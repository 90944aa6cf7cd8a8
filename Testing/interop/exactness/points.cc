// POINT. The golden fields are those of Testing/data/layouts/points.py.

#include "igtlPointMessage.h"
#include "program.hpp"

using program::Text;

namespace {

void Pack() {
  igtl::PointElement::Pointer first = igtl::PointElement::New();
  first->SetName("Nasion, 鼻根");
  first->SetGroupName("Landmark");
  first->SetRGBA(255, 128, 0, 200);
  first->SetPosition(-41.5f, 80.25f, 62.0f);
  first->SetRadius(2.5f);
  first->SetOwner("IMAGE_0");

  igtl::PointElement::Pointer second = igtl::PointElement::New();
  second->SetName(Text(64, 'N').c_str());
  second->SetGroupName(Text(32, 'G').c_str());
  second->SetRGBA(0, 0, 0, 0);
  second->SetPosition(0.0f, -123456.0f, 0.125f);
  second->SetRadius(0.0f);
  second->SetOwner(Text(20, 'O').c_str());

  igtl::PointMessage::Pointer message = igtl::PointMessage::New();
  message->AddPointElement(first);
  message->AddPointElement(second);
  program::Write("points", message, "Pointer");
  igtl::PointMessage::Pointer empty = igtl::PointMessage::New();
  program::Write("points_empty", empty, "Pointer");
}

json::Object PrintPoints(const program::Received& received) {
  igtl::PointMessage::Pointer message = program::Unpack<igtl::PointMessage>(received);
  std::vector<std::string> items;
  for (int n = 0; n < message->GetNumberOfPointElement(); ++n) {
    igtl::PointElement::Pointer element;
    igtlUint8 rgba[4];
    igtlFloat32 position[3];
    message->GetPointElement(n, element);
    element->GetRGBA(rgba);
    element->GetPosition(position);
    json::Object item;
    item.AddText("name", element->GetName());
    item.AddText("group", element->GetGroupName());
    item.AddNumbers("rgba", rgba, 4);
    item.AddNumbers("position", position, 3);
    item.AddNumber("diameter", element->GetRadius());
    item.AddText("owner", element->GetOwner());
    items.push_back(item.Str());
  }
  return received.Fields().AddList("items", items);
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"POINT", PrintPoints}});
}
