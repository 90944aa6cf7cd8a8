// A client made with the OpenIGTLink C++ library: fetches all that a server offers.
//
//     fetch_all PORT FOLDER
//
// Writes FOLDER/<id>.raw with the pixels of each image as they came, and prints what came, one
// field a line, in the form "key value value ...". Ends with 1 where an answer cannot be read.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "igtlClientSocket.h"
#include "igtlImageMessage.h"
#include "igtlImageMetaMessage.h"
#include "igtlTrajectoryMessage.h"

namespace {

igtl::ClientSocket::Pointer server;

void Fail(const std::string& words) {
  std::fprintf(stderr, "%s\n", words.c_str());
  std::exit(1);
}

void ReceiveAll(void* bytes, igtlUint64 size) {
  if (size > 0 && static_cast<igtlUint64>(server->Receive(bytes, size)) != size) {
    Fail("the server closed the connection");
  }
}

// Sends a query, and reads the answer into a message of the type that was asked for.
template <typename Query, typename Answer>
void Ask(const std::string& name, Answer answer) {
  typename Query::Pointer query = Query::New();
  query->SetDeviceName(name.c_str());
  query->Pack();
  server->Send(query->GetPackPointer(), query->GetPackSize());

  igtl::MessageHeader::Pointer header = igtl::MessageHeader::New();
  header->InitPack();
  ReceiveAll(header->GetPackPointer(), header->GetPackSize());
  header->Unpack();
  answer->SetMessageHeader(header);
  answer->AllocatePack();
  ReceiveAll(answer->GetPackBodyPointer(), answer->GetPackBodySize());
  const int checkCrc = 1;
  if (!(answer->Unpack(checkCrc) & igtl::MessageHeader::UNPACK_BODY)) {
    Fail(std::string("cannot read the answer ") + header->GetDeviceType());
  }
  std::printf("answer %s %s\n", header->GetDeviceType(), header->GetDeviceName());
}

std::vector<std::string> FetchList() {
  igtl::ImageMetaMessage::Pointer list = igtl::ImageMetaMessage::New();
  Ask<igtl::GetImageMetaMessage>("", list);
  std::vector<std::string> ids;
  for (int i = 0; i < list->GetNumberOfImageMetaElement(); ++i) {
    igtl::ImageMetaElement::Pointer item;
    list->GetImageMetaElement(i, item);
    ids.push_back(item->GetDeviceName());
    igtlUint16 size[3];
    item->GetSize(size);
    igtl::TimeStamp::Pointer time;
    item->GetTimeStamp(time);
    std::printf("name %s\n", item->GetName());
    std::printf("modality %s\n", item->GetModality());
    std::printf("patient_name %s\n", item->GetPatientName());
    std::printf("patient_id %s\n", item->GetPatientID());
    std::printf("scan_time %.6f\n", time->GetTimeStamp());
    std::printf("size %d %d %d\n", size[0], size[1], size[2]);
    std::printf("scalar_type %d\n", item->GetScalarType());
  }
  return ids;
}

void FetchImage(const std::string& id, const std::string& folder) {
  igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
  Ask<igtl::GetImageMessage>(id, image);
  int size[3];
  igtl::Matrix4x4 matrix;
  image->GetDimensions(size);
  image->GetMatrix(matrix);
  std::printf("dimensions %d %d %d\n", size[0], size[1], size[2]);
  std::printf("components %d\n", image->GetNumComponents());
  std::printf("pixel_type %d\n", image->GetScalarType());
  std::printf("endian %d\n", image->GetEndian());
  std::printf("coordinates %d\n", image->GetCoordinateSystem());
  std::printf("matrix");
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 4; ++column) std::printf(" %.6f", matrix[row][column]);
  }
  std::printf("\n");
  std::FILE* file = std::fopen((folder + "/" + id + ".raw").c_str(), "wb");
  if (!file) Fail("cannot write into " + folder);
  std::fwrite(image->GetScalarPointer(), 1, image->GetSubVolumeImageSize(), file);
  std::fclose(file);
}

void FetchTrajectories() {
  igtl::TrajectoryMessage::Pointer trajectories = igtl::TrajectoryMessage::New();
  Ask<igtl::GetTrajectoryMessage>("", trajectories);
  for (int i = 0; i < trajectories->GetNumberOfTrajectoryElement(); ++i) {
    igtl::TrajectoryElement::Pointer item;
    trajectories->GetTrajectoryElement(i, item);
    igtlUint8 rgba[4];
    igtlFloat32 entry[3], target[3];
    item->GetRGBA(rgba);
    item->GetEntryPosition(entry);
    item->GetTargetPosition(target);
    std::printf("trajectory %s\n", item->GetName());
    std::printf("group %s\n", item->GetGroupName());
    std::printf("type %d\n", item->GetType());
    std::printf("rgba %d %d %d %d\n", rgba[0], rgba[1], rgba[2], rgba[3]);
    std::printf("entry %g %g %g\n", entry[0], entry[1], entry[2]);
    std::printf("target %g %g %g\n", target[0], target[1], target[2]);
    std::printf("diameter %g\n", item->GetRadius());
    std::printf("owner %s\n", item->GetOwner());
  }
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 3) Fail("usage: fetch_all PORT FOLDER");
  server = igtl::ClientSocket::New();
  if (server->ConnectToServer("127.0.0.1", std::atoi(argv[1])) != 0) Fail("no connection");
  for (const std::string& id : FetchList()) FetchImage(id, argv[2]);
  FetchTrajectories();
  server->CloseSocket();
  return 0;
}
