// NDARRAY. The golden fields are those of Testing/data/layouts/ndarray.py.

#include "igtlNDArrayMessage.h"
#include "program.hpp"

namespace {

// The library's Array::SetValue() writes beyond its place; SetArray() copies all numbers at once.
template <typename Type>
void PackArray(const std::string& name, int type, const std::vector<igtlUint16>& size,
               const Type* values) {
  igtl::Array<Type> array;
  array.SetSize(size);
  array.SetArray(const_cast<Type*>(values));
  igtl::NDArrayMessage::Pointer message = igtl::NDArrayMessage::New();
  message->SetArray(type, &array);
  program::Write("ndarray_" + name, message, "Sensor");
}

void Pack() {
  const igtlInt8 int8[] = {-128, 127};
  const igtlUint8 uint8[] = {1, 2, 3, 4, 5, 6, 7, 8, 255};
  const igtlInt16 int16[] = {-32768, 32767};
  const igtlUint16 uint16[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const igtlInt32 int32[] = {-2147483647 - 1, 2147483647};
  const igtlUint32 uint32[] = {1, 4294967295u};
  const igtlFloat32 float32[] = {-0.15625f, 170141183460469231731687303715884105728.0f};
  const igtlFloat64 float64[] = {0.1, -1e300};
  const igtlComplex complex[] = {{0.5, -1.0}, {1e300, 0.1}};
  PackArray("int8", igtl::NDArrayMessage::TYPE_INT8, {2}, int8);
  PackArray("uint8", igtl::NDArrayMessage::TYPE_UINT8, {3, 3}, uint8);
  PackArray("int16", igtl::NDArrayMessage::TYPE_INT16, {1, 2}, int16);
  PackArray("uint16", igtl::NDArrayMessage::TYPE_UINT16, {2, 3, 2}, uint16);
  PackArray("int32", igtl::NDArrayMessage::TYPE_INT32, {2, 1}, int32);
  PackArray("uint32", igtl::NDArrayMessage::TYPE_UINT32, {2}, uint32);
  PackArray("float32", igtl::NDArrayMessage::TYPE_FLOAT32, {2}, float32);
  PackArray("float64", igtl::NDArrayMessage::TYPE_FLOAT64, {1, 1, 2}, float64);
  PackArray("complex", igtl::NDArrayMessage::TYPE_COMPLEX, {2}, complex);
  PackArray("empty", igtl::NDArrayMessage::TYPE_FLOAT64, {0, 65535}, float64);
  PackArray("5d", igtl::NDArrayMessage::TYPE_UINT8, {1, 2, 1, 2, 1}, uint8);
}

template <typename Type>
std::string Array(const std::string& dtype, igtl::ArrayBase* array) {
  std::vector<long> shape;
  for (const igtlUint16 length : array->GetSize()) shape.push_back(length);
  const std::size_t count = array->GetRawArraySize() / sizeof(Type);
  return json::Object()
      .AddText("dtype", dtype)
      .AddNumbers("shape", shape.data(), shape.size())
      .AddNumbers("values", static_cast<const Type*>(array->GetRawArray()), count)
      .Str();
}

std::string Array(int type, igtl::ArrayBase* array) {
  switch (type) {
    case igtl::NDArrayMessage::TYPE_INT8: return Array<igtlInt8>("int8", array);
    case igtl::NDArrayMessage::TYPE_UINT8: return Array<igtlUint8>("uint8", array);
    case igtl::NDArrayMessage::TYPE_INT16: return Array<igtlInt16>("int16", array);
    case igtl::NDArrayMessage::TYPE_UINT16: return Array<igtlUint16>("uint16", array);
    case igtl::NDArrayMessage::TYPE_INT32: return Array<igtlInt32>("int32", array);
    case igtl::NDArrayMessage::TYPE_UINT32: return Array<igtlUint32>("uint32", array);
    case igtl::NDArrayMessage::TYPE_FLOAT32: return Array<igtlFloat32>("float32", array);
    case igtl::NDArrayMessage::TYPE_FLOAT64: return Array<igtlFloat64>("float64", array);
    // The real and the imaginary part, by turns.
    case igtl::NDArrayMessage::TYPE_COMPLEX: return Array<igtlFloat64>("complex128", array);
    default: throw std::string("the library does not know the scalar type");
  }
}

json::Object PrintArray(const program::Received& received) {
  igtl::NDArrayMessage::Pointer message = program::Unpack<igtl::NDArrayMessage>(received);
  return received.Fields().Add("array", Array(message->GetType(), message->GetArray()));
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"NDARRAY", PrintArray}});
}
