#include "providers/libvirt/xml.h"

#include <doctest/doctest.h>

using namespace envtool::libvirt;

TEST_CASE("any text comes back out of an attribute as it went in") {
  const std::string text = "a<b>&'c\" \n ü &amp;";

  const XmlTag tag = find_xml_tag("<x><entry value='" + escape_xml(text) + "'/></x>", "entry");

  CHECK(tag["value"] == text);
}

TEST_CASE("control characters, which XML cannot carry, become spaces") {
  CHECK(escape_xml("a\x01\x1b"
                   "b") == "a  b");
}

TEST_CASE("the starts of elements are read in order, with all their attributes") {
  const auto tags = xml_tags("<?xml version='1.0'?><a one='1' two=\"2\">text<b/></a><c  three = '3' />");

  REQUIRE(tags.size() == 3);
  CHECK(tags[0].name == "a");
  CHECK(tags[0]["one"] == "1");
  CHECK(tags[0]["two"] == "2");
  CHECK(tags[0]["three"].empty());
  CHECK(tags[1].name == "b");
  CHECK(tags[2]["three"] == "");
}

TEST_CASE("half a document gives what is whole") {
  CHECK(xml_tags("<a><b").size() == 1);
  CHECK(find_xml_tag("", "a").name.empty());
}
