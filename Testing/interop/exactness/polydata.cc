// POLYDATA. The golden fields are those of Testing/data/layouts/polydata.py.

#include <list>

#include "igtlPolyDataMessage.h"
#include "program.hpp"

using igtl::PolyDataAttribute;
using program::Text;

// The library packs 9 numbers for an entry of most attributes, and reads them from memory where
// there are less. Here it finds zeros behind them.
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* malloc(std::size_t size) { return __libc_calloc(9, size); }

namespace {

const unsigned int kComponentsOfATensor = 9;
const float kSquare[4][3] = {
    {0, 0, 0}, {1.5f, 0, 0}, {1.5f, 1.5f, -80.25f}, {0, 1.5f, 1267650600228229401496703205376.0f}};

igtl::PolyDataCellArray::Pointer Cells(const std::vector<std::list<igtlUint32>>& cells) {
  igtl::PolyDataCellArray::Pointer array = igtl::PolyDataCellArray::New();
  for (const std::list<igtlUint32>& cell : cells) array->AddCell(cell);
  return array;
}

igtl::PolyDataMessage::Pointer NewPolyData(int pointCount) {
  igtl::PolyDataMessage::Pointer message = igtl::PolyDataMessage::New();
  igtl::PolyDataPointArray::Pointer points = igtl::PolyDataPointArray::New();
  for (int n = 0; n < pointCount; ++n)
    points->AddPoint(kSquare[n][0], kSquare[n][1], kSquare[n][2]);
  message->SetPoints(points);
  return message;
}

void AddAttribute(const igtl::PolyDataMessage::Pointer& message, int type, int components,
                  const std::string& name, const std::vector<float>& values) {
  PolyDataAttribute::Pointer attribute = PolyDataAttribute::New();
  attribute->SetType(type, components);
  attribute->SetSize(values.size() / components);
  attribute->SetName(name.c_str());
  attribute->SetData(const_cast<float*>(values.data()));
  message->AddAttribute(attribute);
}

void Pack() {
  igtl::PolyDataMessage::Pointer message = NewPolyData(4);
  message->SetVertices(Cells({{3}, {0}}));
  message->SetLines(Cells({{0, 1, 2}, {2, 3}}));
  message->SetPolygons(Cells({{0, 1, 2}, {0, 1, 2, 3}}));
  message->SetTriangleStrips(Cells({{0, 1, 3, 2, igtl::PolyDataCellArray::NULL_POINT}}));
  program::Write("polydata", message, "Skull");
  program::Write("polydata_empty", NewPolyData(0), "Skull");
  message = NewPolyData(4);
  message->SetPolygons(Cells({{0, 1, 2}, {0, 2, 3}}));
  program::Write("polydata_triangles", message, "Skull");

  const std::vector<float> tensor = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  message = NewPolyData(2);
  AddAttribute(message, PolyDataAttribute::POINT_SCALAR, 1, "Größe", {1, 2});
  AddAttribute(message, PolyDataAttribute::POINT_VECTOR, 3, "", {1, 2, 3, 4, 5, 6});
  AddAttribute(message, PolyDataAttribute::POINT_NORMAL, 3, "n", {0, 0, 1});
  AddAttribute(message, PolyDataAttribute::POINT_TENSOR, 9, "tt", tensor);
  program::Write("polydata_attributes", message, "Skull");
  message = NewPolyData(2);
  message->SetLines(Cells({{0, 1}}));
  AddAttribute(message, PolyDataAttribute::POINT_SCALAR, 5, Text(255, 'N'), {1, 2, 3, 4, 5});
  AddAttribute(message, PolyDataAttribute::POINT_RGBA, 4, "rgba",
               {1, 0.5f, 0, 1, 0, 0.25f, 1, 0.75f});
  AddAttribute(message, PolyDataAttribute::CELL_VECTOR, 3, "ab", {0.5f, -1.5f, 2.5f});
  AddAttribute(message, PolyDataAttribute::CELL_TENSOR, 9, "", tensor);
  program::Write("polydata_padded", message, "Skull");
}

std::string Points(igtl::PolyDataPointArray* points) {
  std::vector<float> values;
  for (int n = 0; n < points->GetNumberOfPoints(); ++n) {
    float point[3];
    points->GetPoint(n, point);
    values.insert(values.end(), point, point + 3);
  }
  return json::Array("float32", {points->GetNumberOfPoints(), 3}, values.data());
}

std::string Cells(igtl::PolyDataCellArray* cells) {
  std::vector<igtlUint32> connectivity;
  std::vector<long> offsets = {0};
  for (unsigned int n = 0; n < cells->GetNumberOfCells(); ++n) {
    std::list<igtlUint32> cell;
    cells->GetCell(n, cell);
    connectivity.insert(connectivity.end(), cell.begin(), cell.end());
    offsets.push_back(connectivity.size());
  }
  json::Object fields;
  fields.AddArray("offsets", "int64", {static_cast<long>(offsets.size())}, offsets.data());
  fields.AddArray("connectivity", "uint32", {static_cast<long>(connectivity.size())},
                  connectivity.data());
  return fields.Str();
}

bool IsWrittenAsItIs(int type) {
  return type == PolyDataAttribute::POINT_SCALAR || type == PolyDataAttribute::POINT_VECTOR ||
         type == PolyDataAttribute::POINT_NORMAL;
}

// In the shape of the wire, with zeros where the library has no more numbers.
std::string Attribute(PolyDataAttribute* attribute) {
  const int type = attribute->GetType();
  const long size = attribute->GetSize();
  const unsigned int read = attribute->GetNumberOfComponents();
  const long width = IsWrittenAsItIs(type) ? read : kComponentsOfATensor;
  std::vector<float> values(size * width);
  attribute->GetData(values.data());
  json::Object fields;
  fields.AddNumber("type", type).AddText("name", attribute->GetName());
  return fields.AddArray("data", "float32", {size, width}, values.data()).Str();
}

// The library would read beyond the end of a message whose attributes are not as it writes them.
void RefuseOtherAttributes(const program::Received& received) {
  const auto* body = reinterpret_cast<const unsigned char*>(received.bytes.data()) + 58;
  const auto number = [body](std::size_t at) {
    return body[at] << 24 | body[at + 1] << 16 | body[at + 2] << 8 | body[at + 3];
  };
  std::size_t at = 40 + 12 * number(0);
  for (const int size : {8, 16, 24, 32}) at += number(size);
  for (int left = number(36); left; --left, at += 6)
    if (!IsWrittenAsItIs(body[at]) && body[at + 1] != kComponentsOfATensor)
      throw std::string("the library reads 9 numbers of each entry");
}

json::Object PrintPolyData(const program::Received& received) {
  RefuseOtherAttributes(received);
  igtl::PolyDataMessage::Pointer message = program::Unpack<igtl::PolyDataMessage>(received);
  std::vector<std::string> attributes;
  for (int n = 0; n < message->GetNumberOfAttributes(); ++n)
    attributes.push_back(Attribute(message->GetAttribute(n)));
  json::Object fields = received.Fields();
  fields.Add("points", Points(message->GetPoints()));
  fields.Add("vertices", Cells(message->GetVertices()));
  fields.Add("lines", Cells(message->GetLines()));
  fields.Add("polygons", Cells(message->GetPolygons()));
  fields.Add("triangle_strips", Cells(message->GetTriangleStrips()));
  return fields.AddList("attributes", attributes);
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"POLYDATA", PrintPolyData}});
}
