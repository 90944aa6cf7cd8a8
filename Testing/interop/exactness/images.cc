// IMAGE and IMGMETA. The golden fields are those of Testing/data/layouts/images.py.

#include <algorithm>

#include "igtlImageMessage.h"
#include "igtlImageMetaMessage.h"
#include "igtl_image.h"
#include "program.hpp"

using program::Text;

namespace {

void PackImageMeta() {
  igtl::TimeStamp::Pointer time = igtl::TimeStamp::New();
  igtl::TimeStamp::Pointer notSet = igtl::TimeStamp::New();
  igtl::ImageMetaElement::Pointer first = igtl::ImageMetaElement::New();
  time->SetTime(static_cast<igtlUint64>(program::kSeconds) << 32);
  first->SetTimeStamp(time);
  first->SetName("CT of the head, axial, 0.75 mm");
  first->SetDeviceName("IMAGE_0");
  first->SetModality("CT");
  first->SetPatientName("Doe^Jane");
  first->SetPatientID("4711");
  first->SetSize(512, 511, 300);
  first->SetScalarType(5);

  igtl::ImageMetaElement::Pointer second = igtl::ImageMetaElement::New();
  notSet->SetTime(static_cast<igtlUint64>(0));
  second->SetTimeStamp(notSet);
  second->SetName(Text(64, 'N').c_str());
  second->SetDeviceName(Text(20, 'I').c_str());
  second->SetModality(Text(32, 'M').c_str());
  second->SetPatientName(Text(64, 'P').c_str());
  second->SetPatientID(Text(64, 'Q').c_str());
  second->SetSize(65535, 0, 1);
  second->SetScalarType(11);

  igtl::ImageMetaMessage::Pointer message = igtl::ImageMetaMessage::New();
  message->AddImageMetaElement(first);
  message->AddImageMetaElement(second);
  program::Write("image_meta", message, "Database");
  igtl::ImageMetaMessage::Pointer empty = igtl::ImageMetaMessage::New();
  program::Write("image_meta_empty", empty, "");
}

igtl::ImageMessage::Pointer NewImage(int i, int j, int k, int scalarType, int endian) {
  igtl::ImageMessage::Pointer message = igtl::ImageMessage::New();
  float axisI[3] = {1, 0, 0}, axisJ[3] = {0, 1, 0}, axisK[3] = {0, 0, 1};
  message->SetDimensions(i, j, k);
  message->SetScalarType(scalarType);
  message->SetEndian(endian);
  message->SetCoordinateSystem(igtl::ImageMessage::COORDINATE_RAS);
  message->SetNormals(axisI, axisJ, axisK);
  message->SetSpacing(1.0f, 1.0f, 1.0f);
  message->SetOrigin(0.0f, 0.0f, 0.0f);
  return message;
}

// The library swaps no pixels: it is for the sender to write them in the order that it announces.
void SetPixels(const igtl::ImageMessage::Pointer& message, const void* values) {
  message->AllocateScalars();
  const char* from = static_cast<const char*>(values);
  char* to = static_cast<char*>(message->GetScalarPointer());
  const int size = message->GetScalarSize();
  const bool swapped = message->GetEndian() == igtl::ImageMessage::ENDIAN_BIG;
  for (int n = 0; n < message->GetSubVolumeImageSize(); ++n)
    to[n] = from[swapped ? n - n % size + size - 1 - n % size : n];
}

void PackImage() {
  igtl::ImageMessage::Pointer message =
      NewImage(4, 3, 2, igtl::ImageMessage::TYPE_UINT16, igtl::ImageMessage::ENDIAN_LITTLE);
  float i[3] = {0, 1, 0}, j[3] = {-1, 0, 0}, k[3] = {0, 0, 1};
  message->SetNormals(i, j, k);
  message->SetSpacing(0.25f, 0.5f, 2.0f);
  message->SetOrigin(10.5f, -20.0f, 30.0f);
  igtlUint16 pixels[24];
  for (int n = 0; n < 24; ++n) pixels[n] = n % 12 == 11 ? 65535 : n % 12;
  SetPixels(message, pixels);
  program::Write("image", message, "IMAGE_0");
}

void PackSubvolume() {
  igtl::ImageMessage::Pointer message =
      NewImage(4, 3, 5, igtl::ImageMessage::TYPE_INT16, igtl::ImageMessage::ENDIAN_BIG);
  const igtlInt16 values[12] = {-1, 2, -3, 4, -5, 6, 127, 128, -129, -32768, 32767, 0};
  message->SetSubVolume(2, 1, 2, 1, 2, 3);
  message->SetNumComponents(3);
  message->SetCoordinateSystem(igtl::ImageMessage::COORDINATE_LPS);
  SetPixels(message, values);
  program::Write("subvolume", message, Text(20, 'D'));
}

template <typename Type>
void PackScalarType(const std::string& dtype, int scalarType, Type first, Type second) {
  const Type values[2] = {first, second};
  igtl::ImageMessage::Pointer big =
      NewImage(2, 1, 1, scalarType, igtl::ImageMessage::ENDIAN_BIG);
  SetPixels(big, values);
  program::Write("image_" + dtype + "_big", big, "Größe");
  igtl::ImageMessage::Pointer little =
      NewImage(1, 2, 1, scalarType, igtl::ImageMessage::ENDIAN_LITTLE);
  SetPixels(little, values);
  program::Write("image_" + dtype + "_little", little, "Größe");
}

void Pack() {
  PackImageMeta();
  PackImage();
  PackSubvolume();
  PackScalarType<igtlInt8>("int8", 2, -128, 127);
  PackScalarType<igtlUint8>("uint8", 3, 0, 255);
  PackScalarType<igtlInt16>("int16", 4, -32768, 32767);
  PackScalarType<igtlUint16>("uint16", 5, 1, 65535);
  PackScalarType<igtlInt32>("int32", 6, -2147483647 - 1, 2147483647);
  PackScalarType<igtlUint32>("uint32", 7, 1, 4294967295u);
  PackScalarType<float>("float32", 10, -0.15625f, 3.4028234663852886e38f);
  PackScalarType<double>("float64", 11, 0.1, -1.7976931348623157e308);
}

json::Object PrintImageMeta(const program::Received& received) {
  igtl::ImageMetaMessage::Pointer message = program::Unpack<igtl::ImageMetaMessage>(received);
  std::vector<std::string> items;
  for (int n = 0; n < message->GetNumberOfImageMetaElement(); ++n) {
    igtl::ImageMetaElement::Pointer element;
    igtl::TimeStamp::Pointer time;
    igtlUint16 size[3];
    message->GetImageMetaElement(n, element);
    element->GetTimeStamp(time);
    element->GetSize(size);
    json::Object item;
    item.AddText("name", element->GetName());
    item.AddText("id", element->GetDeviceName());
    item.AddText("modality", element->GetModality());
    item.AddText("patient_name", element->GetPatientName());
    item.AddText("patient_id", element->GetPatientID());
    item.AddNumber("scan_time", time->GetTimeStampUint64());
    item.AddNumbers("size", size, 3);
    item.AddNumber("scalar_type", element->GetScalarType());
    items.push_back(item.Str());
  }
  return received.Fields().AddList("items", items);
}

template <typename Type>
std::string Pixels(const igtl::ImageMessage::Pointer& message, const std::string& dtype,
                   const std::vector<long>& shape) {
  std::string bytes(static_cast<const char*>(message->GetScalarPointer()),
                    message->GetSubVolumeImageSize());
  if (message->GetEndian() == igtl::ImageMessage::ENDIAN_BIG)
    for (std::size_t n = 0; n < bytes.size(); n += sizeof(Type))
      std::reverse(bytes.begin() + n, bytes.begin() + n + sizeof(Type));
  std::vector<Type> values(bytes.size() / sizeof(Type));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return json::Array(dtype, shape, values.data());
}

std::string Pixels(const igtl::ImageMessage::Pointer& message) {
  int size[3], offset[3];
  message->GetSubVolume(size, offset);
  std::vector<long> shape = {size[2], size[1], size[0]};
  if (message->GetNumComponents() > 1) shape.push_back(message->GetNumComponents());
  switch (message->GetScalarType()) {
    case 2: return Pixels<igtlInt8>(message, "int8", shape);
    case 3: return Pixels<igtlUint8>(message, "uint8", shape);
    case 4: return Pixels<igtlInt16>(message, "int16", shape);
    case 5: return Pixels<igtlUint16>(message, "uint16", shape);
    case 6: return Pixels<igtlInt32>(message, "int32", shape);
    case 7: return Pixels<igtlUint32>(message, "uint32", shape);
    case 10: return Pixels<float>(message, "float32", shape);
    case 11: return Pixels<double>(message, "float64", shape);
  }
  throw std::string("a scalar type that is none");
}

// The matrix by rows. It is taken from the header that the library has read, as GetMatrix() gives
// the axes without their spacing, rounded.
std::vector<double> Matrix(const igtl::ImageMessage::Pointer& message) {
  igtl_image_header header;
  std::memcpy(&header, message->GetPackBodyPointer(), sizeof header);
  std::vector<double> matrix;
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 4; ++column) matrix.push_back(header.matrix[3 * column + row]);
  return matrix;
}

json::Object PrintImage(const program::Received& received) {
  igtl::ImageMessage::Pointer message = program::Unpack<igtl::ImageMessage>(received);
  int whole[3], size[3], offset[3];
  message->GetDimensions(whole);
  message->GetSubVolume(size, offset);
  json::Object fields = received.Fields();
  fields.Add("pixels", Pixels(message));
  fields.AddArray("matrix", "float64", {3, 4}, Matrix(message).data());
  fields.AddNumber("coordinates", message->GetCoordinateSystem());
  fields.AddBool("big_endian", message->GetEndian() == igtl::ImageMessage::ENDIAN_BIG);
  if (std::equal(whole, whole + 3, size))
    fields.AddNull("size");
  else
    fields.AddNumbers("size", whole, 3);
  return fields.AddNumbers("offset", offset, 3);
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"IMAGE", PrintImage}, {"IMGMETA", PrintImageMeta}});
}
