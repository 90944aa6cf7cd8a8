// SENSOR. The golden fields are those of Testing/data/layouts/sensor.py.

#include "igtlSensorMessage.h"
#include "igtl_sensor.h"
#include "igtl_unit.h"
#include "program.hpp"

namespace {

// The library's class has no way to set the status, which is reserved.
class SensorWithStatus : public igtl::SensorMessage {
 public:
  typedef SensorWithStatus Self;
  typedef igtl::SensorMessage Superclass;
  typedef igtl::SmartPointer<Self> Pointer;
  typedef igtl::SmartPointer<const Self> ConstPointer;
  igtlTypeMacro(SensorWithStatus, igtl::SensorMessage);
  igtlNewMacro(Self);
  void SetStatus(int status) { this->m_Status = status; }
};

struct Factor {
  int unit, exponent;
};

// With the library's C functions: igtl::Unit takes no unit that it does not define, and in Debian's
// 1.11 its Append() overwrites the unit before.
igtl_unit PackUnit(int prefix, const std::vector<Factor>& factors) {
  igtl_unit_data data;
  igtl_unit_init(&data);
  data.prefix = prefix;
  for (std::size_t n = 0; n < factors.size(); ++n) {
    data.unit[n] = factors[n].unit;
    data.exp[n] = factors[n].exponent;
  }
  return igtl_unit_pack(&data);
}

void PackSensor(const std::string& name, const std::string& deviceName, igtl_unit unit,
                const std::vector<double>& values, int status = 0) {
  SensorWithStatus::Pointer message = SensorWithStatus::New();
  message->SetLength(values.size());
  for (std::size_t n = 0; n < values.size(); ++n) message->SetValue(n, values[n]);
  message->SetUnit(unit);
  message->SetStatus(status);
  program::Write(name, message, deviceName);
}

void Pack() {
  PackSensor("sensor", "Accelerometer", PackUnit(11, {{1, 1}, {3, -2}}), {0.1, -9.80665e3, 1e300});
  PackSensor("sensor_torque", "Torque", PackUnit(0, {{11, 0}, {1, 0}}), {0, 0, 0});
  PackSensor("sensor_empty", "Device", 0, {});
  PackSensor("sensor_unusual", "Device",
             PackUnit(15, {{63, -1}, {27, 7}, {1, -7}, {32, 1}, {0, 3}, {2, -6}}), {-0.0}, 0xA5);
}

std::string Unit(igtl_unit unit) {
  igtl_unit_data data;
  igtl_unit_unpack(unit, &data);
  int count = 6;
  while (count && !data.unit[count - 1] && !data.exp[count - 1]) --count;
  std::vector<std::string> factors;
  for (int n = 0; n < count; ++n) {
    const int factor[2] = {data.unit[n], data.exp[n]};
    factors.push_back(json::Numbers(factor, 2));
  }
  json::Object fields;
  fields.AddNumber("prefix", data.prefix);
  return fields.AddList("factors", factors).Str();
}

json::Object PrintSensor(const program::Received& received) {
  igtl::SensorMessage::Pointer message = program::Unpack<igtl::SensorMessage>(received);
  std::vector<double> values;
  for (unsigned int n = 0; n < message->GetLength(); ++n) values.push_back(message->GetValue(n));
  igtl_sensor_header header;  // the class does not give the status
  std::memcpy(&header, message->GetPackBodyPointer(), sizeof header);
  json::Object fields = received.Fields();
  fields.AddArray("values", "float64", {static_cast<long>(values.size())}, values.data());
  fields.Add("unit", Unit(message->GetUnit()));
  return fields.AddNumber("status", header.status);
}

}  // namespace

int main(int argc, char** argv) {
  return program::Main(argc, argv, Pack, {{"SENSOR", PrintSensor}});
}
