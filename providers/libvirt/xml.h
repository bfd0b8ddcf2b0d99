#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The little of XML that texts for libvirt and from it need: values to values.
namespace envtool::libvirt {

/// As content of an element or of an attribute, quotes and line breaks included. Bytes that XML cannot carry
/// at all (control characters) become spaces.
std::string escape_xml(std::string_view text);

/// The start of an element, with its attributes unescaped.
struct XmlTag {
  std::string name;
  std::map<std::string, std::string> attributes;
  /// Empty when there is no such attribute.
  std::string operator[](const std::string& attribute) const;
};

/// The starts of all elements in order, as libvirt writes them: no comments, no CDATA. What cannot be read
/// ends the list.
std::vector<XmlTag> xml_tags(std::string_view text);
/// The first of that name; one without a name when there is none.
XmlTag find_xml_tag(std::string_view text, std::string_view name);

/// The first element of that name with all that is in it; empty when there is none.
std::string_view xml_element(std::string_view text, std::string_view name);
/// What the first element of that name, one without attributes, has as its text, unescaped.
std::string xml_text(std::string_view text, std::string_view name);

}  // namespace envtool::libvirt
