#include "core/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "base/text.h"

namespace envtool {

void ProviderRegistry::add(ProviderInfo info, Factory factory) {
  factories_.emplace(info.name, std::move(factory));
  const auto place = std::find_if(infos_.begin(), infos_.end(), [&](const ProviderInfo& other) {
    return other.precedence > info.precedence;
  });
  infos_.insert(place, std::move(info));
}

void ProviderRegistry::leave_out(std::string name, std::string reason) {
  left_out_.emplace(std::move(name), std::move(reason));
}

const ProviderInfo* ProviderRegistry::info(const std::string& name) const {
  for (const ProviderInfo& info : infos_)
    if (info.name == name) return &info;
  return nullptr;
}

std::unique_ptr<Provider> ProviderRegistry::make(const std::string& name, Host& host) const {
  const auto factory = factories_.find(name);
  if (factory != factories_.end()) return factory->second(host);
  if (const auto out = left_out_.find(name); out != left_out_.end())
    throw Error(ErrorKind::host_not_ready,
                fmt::format("this envtool was built without provider '{}': {}", name, out->second));
  std::vector<std::string> known;
  for (const ProviderInfo& info : infos_) known.push_back(info.name);
  const std::string guess = did_you_mean(name, known);
  throw Error(ErrorKind::usage, fmt::format("no provider '{}'; there are: {}", name, join(known, ", ")))
      .with_hint(guess);
}

void ProvisionerRegistry::add(std::unique_ptr<Provisioner> provisioner) {
  provisioners_.push_back(std::move(provisioner));
}

const Provisioner* ProvisionerRegistry::find(const std::string& name) const {
  for (const auto& provisioner : provisioners_)
    if (provisioner->schema().name == name) return provisioner.get();
  return nullptr;
}

std::vector<std::string> ProvisionerRegistry::names() const {
  std::vector<std::string> names;
  for (const auto& provisioner : provisioners_) names.push_back(provisioner->schema().name);
  return names;
}

PluginSchemas plugin_schemas(const ProviderRegistry& providers, const ProvisionerRegistry& provisioners) {
  PluginSchemas schemas;
  for (const ProviderInfo& info : providers.infos()) schemas.providers.push_back(info.schema);
  for (const auto& provisioner : provisioners.all()) schemas.provisioners.push_back(provisioner->schema());
  return schemas;
}

}  // namespace envtool
