// POSITION, TRANSFORM, TDATA and QTDATA. The golden fields are those of
// Testing/data/layouts/tracking.py.

#include "igtlPositionMessage.h"
#include "igtlQuaternionTrackingDataMessage.h"
#include "igtlTrackingDataMessage.h"
#include "igtlTransformMessage.h"
#include "igtl_position.h"
#include "program.hpp"

using program::Text;

namespace {

// PackBody() of Debian's 1.11 turns the byte order of 28 bytes in the shorter forms too, beyond the
// end of their buffer. Here the buffer has 28 bytes while it does.
class RoomyPosition : public igtl::PositionMessage {
 public:
  typedef RoomyPosition Self;
  typedef igtl::PositionMessage Superclass;
  typedef igtl::SmartPointer<Self> Pointer;
  typedef igtl::SmartPointer<const Self> ConstPointer;
  igtlTypeMacro(RoomyPosition, igtl::PositionMessage);
  igtlNewMacro(Self);

 protected:
  int GetBodyPackSize() override {
    return isPacking_ ? IGTL_POSITION_MESSAGE_DEFAULT_SIZE : Superclass::GetBodyPackSize();
  }
  int PackBody() override {
    isPacking_ = true;
    const int result = Superclass::PackBody();
    isPacking_ = false;
    this->m_PackSize = program::kHeaderSize + GetBodyPackSize();
    return result;
  }

 private:
  bool isPacking_ = false;
};

// No class of the library knows QTRANS, which is the same as POSITION (index.md).
class QuaternionTransform : public RoomyPosition {
 public:
  typedef QuaternionTransform Self;
  typedef RoomyPosition Superclass;
  typedef igtl::SmartPointer<Self> Pointer;
  typedef igtl::SmartPointer<const Self> ConstPointer;
  igtlTypeMacro(QuaternionTransform, RoomyPosition);
  igtlNewMacro(Self);
  // That of POSITION chooses the form by the body's size under its own type name only.
  int SetMessageHeader(const igtl::MessageHeader* header) override {
    SetPackTypeByBodySize(const_cast<igtl::MessageHeader*>(header)->GetBodySizeToRead());
    return Copy(header);
  }

 protected:
  QuaternionTransform() { this->m_DefaultBodyType = "QTRANS"; }
};

template <typename Message>
void PackPosition(const std::string& name, int packType, float x, float y, float z, float ox,
                  float oy, float oz, float w) {
  typename Message::Pointer message = Message::New();
  message->SetPackType(packType);
  message->SetPosition(x, y, z);
  message->SetQuaternion(ox, oy, oz, w);
  program::Write(name, message, "Tracker");
}

void PackTransform() {
  igtl::TransformMessage::Pointer message = igtl::TransformMessage::New();
  igtl::Matrix4x4 matrix = {{0, -1, 0, 10.5f}, {1, 0, 0, -20}, {0, 0, 1, 30.25f}, {0, 0, 0, 1}};
  message->SetMatrix(matrix);
  program::Write("transform", message, "ProbeToTracker");
}

void AddTransform(igtl::TrackingDataMessage::Pointer& message, const std::string& name, int type,
                  igtl::Matrix4x4& matrix) {
  igtl::TrackingDataElement::Pointer element = igtl::TrackingDataElement::New();
  element->SetName(name.c_str());
  element->SetType(type);
  element->SetMatrix(matrix);
  message->AddTrackingDataElement(element);
}

void PackTrackingData() {
  igtl::Matrix4x4 shear = {
      {0.5f, 0.25f, -1, 1e-3f}, {0, 2, 0, -1e6f}, {0, 0, -3, 3.125f}, {0, 0, 0, 1}};
  igtl::Matrix4x4 identity = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
  igtl::Matrix4x4 zero = {};
  igtl::TrackingDataMessage::Pointer message = igtl::TrackingDataMessage::New();
  AddTransform(message, "Needle", 3, shear);
  AddTransform(message, Text(20, 'T'), 1, identity);
  AddTransform(message, "Zeigegerät", 2, identity);
  AddTransform(message, "", 4, zero);
  program::Write("tdata", message, "Tracker");
  igtl::TrackingDataMessage::Pointer empty = igtl::TrackingDataMessage::New();
  program::Write("tdata_empty", empty, "Tracker");
}

void AddQuaternion(igtl::QuaternionTrackingDataMessage::Pointer& message, const std::string& name,
                   int type, float x, float y, float z, float qx, float qy, float qz, float w) {
  igtl::QuaternionTrackingDataElement::Pointer element = igtl::QuaternionTrackingDataElement::New();
  element->SetName(name.c_str());
  element->SetType(type);
  element->SetPosition(x, y, z);
  element->SetQuaternion(qx, qy, qz, w);
  message->AddQuaternionTrackingDataElement(element);
}

void PackQuaternionTrackingData() {
  igtl::QuaternionTrackingDataMessage::Pointer message = igtl::QuaternionTrackingDataMessage::New();
  AddQuaternion(message, "Needle", 3, -41.5f, 80.25f, 62, 0.5f, -0.5f, 0.5f, -0.5f);
  AddQuaternion(message, Text(20, 'Q'), 1, 0, 0, 0, 0, 0, 0, 1);
  AddQuaternion(message, "Zeigegerät", 2, 1, 1, 1, 2, 0, 0, 0);
  AddQuaternion(message, "", 4, 0, 0, 0, 0, 0, 0, 0);
  program::Write("qtdata", message, "Tracker");
  igtl::QuaternionTrackingDataMessage::Pointer empty = igtl::QuaternionTrackingDataMessage::New();
  program::Write("qtdata_empty", empty, "Tracker");
}

template <typename Start, typename Stop, typename Return>
void PackQueries(const std::string& type) {
  typename Start::Pointer start = Start::New();
  start->SetResolution(50);
  start->SetCoordinateName("CAMERA");
  program::Write("stt_" + type, start, "Tracker");
  typename Start::Pointer unusual = Start::New();
  unusual->SetResolution(-2147483647 - 1);
  unusual->SetCoordinateName(Text(32, 'C').c_str());
  program::Write("stt_" + type + "_unusual", unusual, "Tracker");
  typename Stop::Pointer stop = Stop::New();
  program::Write("stp_" + type, stop, "Tracker");
  typename Return::Pointer success = Return::New();
  success->SetStatus(Return::STATUS_SUCCESS);
  program::Write("rts_" + type, success, "Tracker");
  typename Return::Pointer error = Return::New();
  error->SetStatus(Return::STATUS_ERROR);
  program::Write("rts_" + type + "_error", error, "Tracker");
}

void Pack() {
  const int all = igtl::PositionMessage::ALL;
  const int quaternion3 = igtl::PositionMessage::WITH_QUATERNION3;
  const int positionOnly = igtl::PositionMessage::POSITION_ONLY;
  PackPosition<RoomyPosition>("position", all, -41.5f, 80.25f, 62, 0.5f, -0.5f, 0.5f, -0.5f);
  PackPosition<RoomyPosition>("position_quaternion3", quaternion3, 0, -1.5f, 1e9f, 0.5f, -0.5f,
                              0.25f, 0);
  PackPosition<RoomyPosition>("position_only", positionOnly, 1, 2, 3, 0, 0, 0, 1);
  PackPosition<QuaternionTransform>("qtrans", all, -41.5f, 80.25f, 62, 0.5f, -0.5f, 0.5f, -0.5f);
  PackPosition<QuaternionTransform>("qtrans_only", positionOnly, 1, 2, 3, 0, 0, 0, 1);
  PackTransform();
  PackTrackingData();
  PackQueries<igtl::StartTrackingDataMessage, igtl::StopTrackingDataMessage,
              igtl::RTSTrackingDataMessage>("tdata");
  PackQuaternionTrackingData();
  PackQueries<igtl::StartQuaternionTrackingDataMessage, igtl::StopQuaternionTrackingDataMessage,
              igtl::RTSQuaternionTrackingDataMessage>("qtdata");
}

template <typename Message>
json::Object PrintPosition(const program::Received& received) {
  typename Message::Pointer message = program::Unpack<Message>(received);
  float position[3], quaternion[4];
  int count = 0;
  message->GetPosition(position);
  message->GetQuaternion(quaternion);
  if (message->GetPackType() == igtl::PositionMessage::ALL) count = 4;
  if (message->GetPackType() == igtl::PositionMessage::WITH_QUATERNION3) {
    // The library drops three numbers that are longer than 1. They still stand in the body, whose
    // byte order it has turned.
    igtl_position body;
    std::memcpy(&body, message->GetPackBodyPointer(), IGTL_POSITION_MESSAGE_WITH_QUATERNION3_SIZE);
    std::memcpy(quaternion, body.quaternion, sizeof(float) * 3);
    count = 3;
  }
  json::Object fields = received.Fields();
  fields.AddNumbers("position", position, 3);
  return fields.AddNumbers("quaternion", quaternion, count);
}

json::Object PrintTransform(const program::Received& received) {
  igtl::TransformMessage::Pointer message = program::Unpack<igtl::TransformMessage>(received);
  igtl::Matrix4x4 matrix;
  message->GetMatrix(matrix);
  return received.Fields().AddArray("matrix", "float64", {4, 4}, &matrix[0][0]);
}

json::Object PrintTrackingData(const program::Received& received) {
  igtl::TrackingDataMessage::Pointer message = program::Unpack<igtl::TrackingDataMessage>(received);
  std::vector<std::string> items;
  for (int n = 0; n < message->GetNumberOfTrackingDataElements(); ++n) {
    igtl::TrackingDataElement::Pointer element;
    igtl::Matrix4x4 matrix;
    float transform[12];
    message->GetTrackingDataElement(n, element);
    element->GetMatrix(matrix);
    for (int number = 0; number < 12; ++number) transform[number] = matrix[number % 3][number / 3];
    json::Object item;
    item.AddText("name", element->GetName());
    item.AddNumber("type", element->GetType());
    item.AddNumbers("transform", transform, 12);
    items.push_back(item.Str());
  }
  return received.Fields().AddList("items", items);
}

json::Object PrintQuaternionTrackingData(const program::Received& received) {
  igtl::QuaternionTrackingDataMessage::Pointer message =
      program::Unpack<igtl::QuaternionTrackingDataMessage>(received);
  std::vector<std::string> items;
  for (int n = 0; n < message->GetNumberOfQuaternionTrackingDataElements(); ++n) {
    igtl::QuaternionTrackingDataElement::Pointer element;
    float position[3], quaternion[4];
    message->GetQuaternionTrackingDataElement(n, element);
    element->GetPosition(position);
    element->GetQuaternion(quaternion);
    json::Object item;
    item.AddText("name", element->GetName());
    item.AddNumber("type", element->GetType());
    item.AddNumbers("position", position, 3);
    item.AddNumbers("quaternion", quaternion, 4);
    items.push_back(item.Str());
  }
  return received.Fields().AddList("items", items);
}

template <typename Start>
json::Object PrintStart(const program::Received& received) {
  typename Start::Pointer message = program::Unpack<Start>(received);
  json::Object fields = received.Fields();
  fields.AddNumber("resolution", message->GetResolution());
  return fields.AddText("coordinate_name", message->GetCoordinateName());
}

// Its content is empty. Unpack() throws where the library does not take a body of this size.
template <typename Stop>
json::Object PrintStop(const program::Received& received) {
  program::Unpack<Stop>(received);
  json::Object fields = received.Fields();
  fields.AddText("data_type", received.Type().substr(4));
  return fields.AddText("content", "");
}

template <typename Return>
json::Object PrintReturn(const program::Received& received) {
  return received.Fields().AddNumber("status", program::Unpack<Return>(received)->GetStatus());
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(
      argc, argv, Pack,
      {{"POSITION", PrintPosition<igtl::PositionMessage>},
       {"QTRANS", PrintPosition<QuaternionTransform>},
       {"TRANSFORM", PrintTransform},
       {"TDATA", PrintTrackingData},
       {"STT_TDATA", PrintStart<igtl::StartTrackingDataMessage>},
       {"STP_TDATA", PrintStop<igtl::StopTrackingDataMessage>},
       {"RTS_TDATA", PrintReturn<igtl::RTSTrackingDataMessage>},
       {"QTDATA", PrintQuaternionTrackingData},
       {"STT_QTDATA", PrintStart<igtl::StartQuaternionTrackingDataMessage>},
       {"STP_QTDATA", PrintStop<igtl::StopQuaternionTrackingDataMessage>},
       {"RTS_QTDATA", PrintReturn<igtl::RTSQuaternionTrackingDataMessage>}});
}
