// Writes the golden messages of header version 1 as the OpenIGTLink C++ library packs them.
//
//     g++ -I/usr/include/openigtlink golden.cc -lOpenIGTLink -lpthread && ./a.out FOLDER
//
// The fields are those of make_golden.py.

#include <cstdlib>
#include <fstream>
#include <new>
#include <string>

#include "igtlImageMessage.h"
#include "igtlImageMetaMessage.h"
#include "igtlStatusMessage.h"
#include "igtlTrajectoryMessage.h"

// The library leaves the reserved byte of TRAJ as it finds it in memory. Here it finds zeros.
void* operator new[](std::size_t size) {
  if (void* memory = std::calloc(size ? size : 1, 1)) return memory;
  throw std::bad_alloc();
}
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

const unsigned int kSeconds = 1715934600u;
const unsigned int kFraction = 3u << 30;

std::string folder;

template <typename Pointer>
void Write(const std::string& name, const Pointer& message, const std::string& deviceName) {
  message->SetDeviceName(deviceName.c_str());
  message->SetTimeStamp(kSeconds, kFraction);
  message->Pack();
  std::ofstream file(folder + "/" + name + "_v1.bin", std::ios::binary);
  file.write(static_cast<const char*>(message->GetPackPointer()), message->GetPackSize());
}

std::string Text(int length, char character) { return std::string(length, character); }

void WriteImageMeta() {
  igtl::TimeStamp::Pointer time = igtl::TimeStamp::New();
  igtl::TimeStamp::Pointer notSet = igtl::TimeStamp::New();
  igtl::ImageMetaElement::Pointer first = igtl::ImageMetaElement::New();
  time->SetTime(static_cast<igtlUint64>(kSeconds) << 32);
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
  Write("image_meta", message, "Database");
}

void WriteTrajectories() {
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
  Write("trajectories", message, "Planner");
}

void WriteImage() {
  igtl::ImageMessage::Pointer message = igtl::ImageMessage::New();
  float i[3] = {0, 1, 0}, j[3] = {-1, 0, 0}, k[3] = {0, 0, 1};
  message->SetDimensions(4, 3, 2);
  message->SetScalarType(igtl::ImageMessage::TYPE_UINT16);
  message->SetEndian(igtl::ImageMessage::ENDIAN_LITTLE);
  message->SetCoordinateSystem(igtl::ImageMessage::COORDINATE_RAS);
  message->SetNormals(i, j, k);
  message->SetSpacing(0.25f, 0.5f, 2.0f);
  message->SetOrigin(10.5f, -20.0f, 30.0f);
  message->AllocateScalars();
  igtlUint16* pixels = static_cast<igtlUint16*>(message->GetScalarPointer());
  for (int n = 0; n < 24; ++n) pixels[n] = n % 12 == 11 ? 65535 : n % 12;
  Write("image", message, "IMAGE_0");
}

void WriteSubvolume() {
  igtl::ImageMessage::Pointer message = igtl::ImageMessage::New();
  float i[3] = {1, 0, 0}, j[3] = {0, 1, 0}, k[3] = {0, 0, 1};
  const igtlInt16 values[12] = {-1, 2, -3, 4, -5, 6, 127, 128, -129, -32768, 32767, 0};
  message->SetDimensions(4, 3, 5);
  message->SetSubVolume(2, 1, 2, 1, 2, 3);
  message->SetNumComponents(3);
  message->SetScalarType(igtl::ImageMessage::TYPE_INT16);
  message->SetEndian(igtl::ImageMessage::ENDIAN_BIG);
  message->SetCoordinateSystem(igtl::ImageMessage::COORDINATE_LPS);
  message->SetNormals(i, j, k);
  message->SetSpacing(1.0f, 1.0f, 1.0f);
  message->SetOrigin(0.0f, 0.0f, 0.0f);
  message->AllocateScalars();
  unsigned char* pixels = static_cast<unsigned char*>(message->GetScalarPointer());
  for (int n = 0; n < 12; ++n) {
    const igtlUint16 bits = static_cast<igtlUint16>(values[n]);
    pixels[2 * n] = bits >> 8;
    pixels[2 * n + 1] = bits & 0xff;
  }
  Write("subvolume", message, Text(20, 'D'));
}

void WriteStatus() {
  igtl::StatusMessage::Pointer message = igtl::StatusMessage::New();
  message->SetCode(4);
  message->SetSubCode(-0x123456789ABCDEFLL);
  message->SetErrorName("NotFound");
  message->SetStatusString("IMAGE_9 is not in the database");
  Write("status", message, "Device");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  folder = argv[1];
  WriteImageMeta();
  WriteTrajectories();
  WriteImage();
  WriteSubvolume();
  WriteStatus();
  igtl::GetImageMessage::Pointer query = igtl::GetImageMessage::New();
  Write("get_image", query, "IMAGE_0");
  return 0;
}
