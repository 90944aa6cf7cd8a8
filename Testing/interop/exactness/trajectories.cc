// TRAJ. The golden fields are those of Testing/data/layouts/trajectories.py.

#include "igtlTrajectoryMessage.h"
#include "program.hpp"

using program::Text;

namespace {

void Pack() {
  igtl::TrajectoryElement::Pointer first = igtl::TrajectoryElement::New();
  first->SetName("Biopsy left");
  first->SetGroupName("Trajectory");
  first->SetType(3);
  first->SetRGBA(255, 128, 0, 200);
  first->SetEntryPosition(-41.5f, 80.25f, 62.0f);
  first->SetTargetPosition(-12.0f, 9.5f, 3.125f);
  first->SetRadius(2.5f);
  first->SetOwner("IMAGE_0");

  igtl::TrajectoryElement::Pointer second = igtl::TrajectoryElement::New();
  second->SetName(Text(64, 'T').c_str());
  second->SetGroupName(Text(32, 'G').c_str());
  second->SetType(2);
  second->SetRGBA(0, 0, 0, 0);
  second->SetEntryPosition(0.0f, 0.0f, 0.0f);
  second->SetTargetPosition(1.0f, -2.0f, 0.5f);
  second->SetRadius(0.0f);
  second->SetOwner(Text(20, 'O').c_str());

  igtl::TrajectoryMessage::Pointer message = igtl::TrajectoryMessage::New();
  message->AddTrajectoryElement(first);
  message->AddTrajectoryElement(second);
  program::Write("trajectories", message, "Planner");
  igtl::TrajectoryMessage::Pointer empty = igtl::TrajectoryMessage::New();
  program::Write("trajectories_empty", empty, "Planner");
}

json::Object PrintTrajectories(const program::Received& received) {
  igtl::TrajectoryMessage::Pointer message = program::Unpack<igtl::TrajectoryMessage>(received);
  std::vector<std::string> items;
  for (int n = 0; n < message->GetNumberOfTrajectoryElement(); ++n) {
    igtl::TrajectoryElement::Pointer element;
    igtlUint8 rgba[4];
    igtlFloat32 entry[3], target[3];
    message->GetTrajectoryElement(n, element);
    element->GetRGBA(rgba);
    element->GetEntryPosition(entry);
    element->GetTargetPosition(target);
    json::Object item;
    item.AddText("name", element->GetName());
    item.AddText("group", element->GetGroupName());
    item.AddNumber("type", static_cast<int>(static_cast<signed char>(element->GetType())));
    item.AddNumbers("rgba", rgba, 4);
    item.AddNumbers("entry", entry, 3);
    item.AddNumbers("target", target, 3);
    item.AddNumber("diameter", element->GetRadius());
    item.AddText("owner", element->GetOwner());
    items.push_back(item.Str());
  }
  return received.Fields().AddList("items", items);
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"TRAJ", PrintTrajectories}});
}
