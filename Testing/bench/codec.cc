// The OpenIGTLink C++ library's part in codec.py: server, client, list and checksum.
//
//     codec server I J K          offers an image of that size, uint16; prints its port
//     codec client PORT CHECK N   fetches it N times, CHECK 1 or 0; prints the seconds of each
//     codec list FILE N           unpacks the IMGMETA in FILE N times; prints the seconds of each
//     codec crc SIZE N            takes the CRC-64 of SIZE bytes N times; prints the seconds of each

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "igtlClientSocket.h"
#include "igtlImageMessage.h"
#include "igtlImageMetaMessage.h"
#include "igtlMessageHeader.h"
#include "igtlServerSocket.h"
#include "igtl_util.h"

namespace {

double Seconds() {
  const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
  return now.count();
}

void Print(double seconds) {
  std::printf("%.6f\n", seconds);
  std::fflush(stdout);
}

igtl::ImageMessage::Pointer MakeImage(int i, int j, int k) {
  igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
  image->SetDeviceName("IMAGE_0");
  image->SetDimensions(i, j, k);
  image->SetSpacing(1.0f, 1.0f, 1.0f);
  image->SetScalarType(igtl::ImageMessage::TYPE_UINT16);
  image->SetEndian(igtl::ImageMessage::ENDIAN_LITTLE);
  image->AllocateScalars();
  igtlUint16* pixels = static_cast<igtlUint16*>(image->GetScalarPointer());
  const size_t count = static_cast<size_t>(i) * j * k;
  for (size_t n = 0; n < count; ++n) pixels[n] = static_cast<igtlUint16>(n * 40503u >> 4);
  image->Pack();
  return image;
}

// Sends the image, packed once, to everybody who connects.
int Serve(int i, int j, int k) {
  igtl::ImageMessage::Pointer image = MakeImage(i, j, k);
  igtl::ServerSocket::Pointer server = igtl::ServerSocket::New();
  if (server->CreateServer(0) != 0) return 1;
  std::printf("%d\n", server->GetServerPort());
  std::fflush(stdout);
  for (;;) {
    igtl::ClientSocket::Pointer client = server->WaitForConnection(1000);
    if (client.IsNull()) continue;
    client->Send(image->GetPackPointer(), image->GetPackSize());
    client->CloseSocket();
  }
}

bool Fetch(int port, int check) {
  igtl::ClientSocket::Pointer socket = igtl::ClientSocket::New();
  if (socket->ConnectToServer("127.0.0.1", port) != 0) return false;
  igtl::MessageHeader::Pointer header = igtl::MessageHeader::New();
  header->InitPack();
  socket->Receive(header->GetPackPointer(), header->GetPackSize());
  header->Unpack();
  igtl::ImageMessage::Pointer image = igtl::ImageMessage::New();
  image->SetMessageHeader(header);
  image->AllocatePack();
  socket->Receive(image->GetPackBodyPointer(), image->GetPackBodySize());
  const bool isRead = image->Unpack(check) & igtl::MessageHeader::UNPACK_BODY;
  socket->CloseSocket();
  return isRead;
}

int FetchOften(int port, int check, int times) {
  for (int n = 0; n < times; ++n) {
    const double start = Seconds();
    if (!Fetch(port, check)) return 1;
    Print(Seconds() - start);
  }
  return 0;
}

int UnpackList(const char* name, int times) {
  std::ifstream file(name, std::ios::binary);
  const std::vector<char> data((std::istreambuf_iterator<char>(file)), {});
  for (int n = 0; n < times; ++n) {
    igtl::MessageHeader::Pointer header = igtl::MessageHeader::New();
    header->InitPack();
    std::memcpy(header->GetPackPointer(), data.data(), header->GetPackSize());
    header->Unpack();
    igtl::ImageMetaMessage::Pointer list = igtl::ImageMetaMessage::New();
    list->SetMessageHeader(header);
    list->AllocatePack();
    const size_t headerSize = header->GetPackSize();
    std::memcpy(list->GetPackBodyPointer(), data.data() + headerSize, data.size() - headerSize);
    const double start = Seconds();
    if (!(list->Unpack(1) & igtl::MessageHeader::UNPACK_BODY)) return 1;
    Print(Seconds() - start);
  }
  return 0;
}

int TakeChecksums(size_t size, int times) {
  std::vector<unsigned char> data(size);
  for (size_t n = 0; n < size; ++n) data[n] = static_cast<unsigned char>(n * 40503u >> 4);
  igtl_uint64 sum = 0;
  for (int n = 0; n < times; ++n) {
    const double start = Seconds();
    sum ^= crc64(data.data(), size, 0);
    Print(Seconds() - start);
  }
  return sum == 1;  // so that the compiler cannot leave the checksum out
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [argv](int n) { return std::atoi(argv[n]); };
  if (argc == 5 && !std::strcmp(argv[1], "server")) return Serve(number(2), number(3), number(4));
  if (argc == 5 && !std::strcmp(argv[1], "client"))
    return FetchOften(number(2), number(3), number(4));
  if (argc == 4 && !std::strcmp(argv[1], "list")) return UnpackList(argv[2], number(3));
  if (argc == 4 && !std::strcmp(argv[1], "crc")) return TakeChecksums(number(2), number(3));
  std::fprintf(stderr, "usage: see the first lines of codec.cc\n");
  return 2;
}
