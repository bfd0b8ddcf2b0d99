#include "providers/libvirt/domains.h"

namespace envtool::libvirt {

namespace {

std::string xml_of(const Domain& domain, unsigned flags) {
  const Text xml(api().virDomainGetXMLDesc(domain.get(), flags));
  if (!xml) fail("read the domain");
  return xml.get();
}

}  // namespace

std::string description_of(const Domain& domain) { return xml_of(domain, 0); }

std::string definition_of(const Domain& domain) {
  return xml_of(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
}

std::optional<MachineTag> tag_of(const Domain& domain) {
  const Text xml(api().virDomainGetMetadata(domain.get(), VIR_DOMAIN_METADATA_ELEMENT, xml_namespace,
                                            VIR_DOMAIN_AFFECT_CURRENT));
  if (!xml) return std::nullopt;
  return parse_tag(xml.get());
}

std::vector<TaggedDomain> tagged_domains(const Connection& connection) {
  virDomainPtr* list = nullptr;
  const int count = api().virConnectListAllDomains(connection.get(), &list, 0);
  if (count < 0) fail("list libvirt's domains");
  std::vector<TaggedDomain> domains;
  for (int i = 0; i < count; ++i) {
    const Domain domain(list[i]);
    const char* const name = api().virDomainGetName(domain.get());
    auto tag = tag_of(domain);
    if (name != nullptr && tag) domains.push_back({name, std::move(*tag)});
  }
  std::free(list);
  return domains;
}

}  // namespace envtool::libvirt
