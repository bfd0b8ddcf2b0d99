#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "base/text.h"

namespace envtool {

namespace {

constexpr std::size_t most_nodes = 100'000;
constexpr std::size_t most_levels = 100;

/// What ends reading; a class of its own so that it passes through yaml-cpp.
struct Fatal {
  SourcePosition position;
  std::string text;
  std::string hint;
};

/// A tree with what the limits need to know of it.
struct Built {
  Node node;
  std::size_t nodes = 1;
  std::size_t levels = 1;
};

/// Builds the tree from events: the pairs of a map are seen one by one, where yaml-cpp's own tree would hide
/// a duplicate key, share aliased nodes and forget whether a scalar was quoted.
class Builder : public YAML::EventHandler {
 public:
  Builder(const std::shared_ptr<const SourceText>& source, Diagnostics& problems)
      : source_(source), problems_(problems) {}

  Node take() { return std::move(root_.node); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw Fatal{at(mark), "a second YAML document begins here, expected one only",
                  "remove the '---' or '...'"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Built built;
    built.node.position = at(mark);
    finish(std::move(built), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) throw Fatal{at(mark), "this alias is part of what it stands for", {}};
    alias_ = at(mark);
    finish(Built(known->second), 0);
    alias_ = {};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Built built{Node::scalar(value, at(mark))};
    built.node.plain = tag == "?" || tag.empty();
    if (!built.node.plain && tag != "!" && tag != "tag:yaml.org,2002:str")
      report_tag(built.node.position, tag);
    finish(std::move(built), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Built built;
    YAML::anchor_t anchor = 0;
    std::optional<Entry> entry = std::nullopt;  ///< of a map: its key is read, its value is not
    std::unordered_map<std::string, SourcePosition> keys = {};
    bool drops_entry = false;  ///< its key is no text, which was reported
    bool merges = false;
  };

  SourcePosition at(const YAML::Mark& mark) const { return {source_, mark.line + 1, mark.column + 1}; }

  void report_tag(const SourcePosition& position, const std::string& tag) {
    problems_.add(position, fmt::format("the tag '{}' is not supported", shortened(tag)),
                  "quote what is meant as text");
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    Frame frame{.built = {}, .anchor = anchor};
    frame.built.node.kind = kind;
    frame.built.node.position = at(mark);
    if (tag != "?" && tag != "!" && !tag.empty()) report_tag(at(mark), tag);
    if (frames_.size() >= most_levels)
      throw Fatal{at(mark), fmt::format("nested deeper than {} levels", most_levels), {}};
    frames_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.merges) resolve_merges(frame);
    finish(std::move(frame.built), frame.anchor);
  }

  /// A node is complete: it becomes an item, a key or a value of the innermost open one.
  void finish(Built built, YAML::anchor_t anchor) {
    total_ += alias_ ? built.nodes : 1;
    if (total_ > most_nodes)
      throw Fatal{built.node.position, fmt::format("the file expands to more than {} values", most_nodes),
                  "aliases ('*name') count with all that they stand for"};
    if (frames_.size() + built.levels > most_levels)
      throw Fatal{built.node.position, fmt::format("nested deeper than {} levels", most_levels), {}};
    if (anchor) anchors_[anchor] = built;
    if (frames_.empty()) {
      root_ = std::move(built);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.built.node.is_map() && !frame.entry) {
      take_key(frame, std::move(built.node));
      return;
    }
    frame.built.nodes += built.nodes;
    frame.built.levels = std::max(frame.built.levels, built.levels + 1);
    if (frame.built.node.is_list()) {
      frame.built.node.items.push_back(std::move(built.node));
    } else {
      frame.entry->value = std::move(built.node);
      add_entry(frame);
    }
  }

  void take_key(Frame& frame, Node key) {
    if (!key.is_scalar())
      problems_.add(alias_ ? alias_ : key.position,
                    fmt::format("a key must be text, found {}", key.describe()));
    frame.drops_entry = !key.is_scalar();
    frame.entry = Entry{key.text, alias_ ? alias_ : key.position, {}};
    if (key.plain && key.text == "<<") frame.merges = true;
  }

  void add_entry(Frame& frame) {
    Entry entry = std::move(*frame.entry);
    frame.entry.reset();
    if (frame.drops_entry) return;
    const auto [known, is_new] = frame.keys.emplace(entry.key, entry.position);
    if (!is_new) {
      problems_.add(entry.position, fmt::format("duplicate key '{}'", shortened(entry.key)),
                    fmt::format("it is written first at {}", known->second.to_string()));
      return;
    }
    frame.built.node.entries.push_back(std::move(entry));
  }

  /// The keys of what `<<` names come in where the map does not say them itself; of several maps the first
  /// wins.
  void resolve_merges(Frame& frame) {
    Node& map = frame.built.node;
    std::vector<Entry> merged;
    const auto absorb = [&](const Node& from) {
      if (!from.is_map()) {
        problems_.add(from.position,
                      fmt::format("'<<' takes a map or a list of maps, found {}", from.describe()));
        return;
      }
      for (const Entry& entry : from.entries)
        if (frame.keys.emplace(entry.key, entry.position).second) merged.push_back(entry);
    };
    const Node named = *map.find("<<");
    if (named.is_list())
      std::for_each(named.items.begin(), named.items.end(), absorb);
    else
      absorb(named);
    map.erase("<<");
    map.entries.insert(map.entries.begin(), merged.begin(), merged.end());
  }

  std::shared_ptr<const SourceText> source_;
  Diagnostics& problems_;
  Built root_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Built> anchors_;
  SourcePosition alias_;
  std::size_t total_ = 0;
  int documents_ = 0;
};

/// yaml-cpp takes byte 4 for the end of the file and skips others; none has business in YAML.
std::optional<Fatal> unreadable(const std::shared_ptr<const SourceText>& source) {
  const std::string& text = source->text;
  const auto control = std::find_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f;
  });
  if (control == text.end())
    return is_utf8(text) ? std::nullopt
                         : std::optional(Fatal{{source, 1, 1}, "the file is not UTF-8 text", {}});
  const auto line = static_cast<int>(std::count(text.begin(), control, '\n')) + 1;
  return Fatal{
      {source, line, 1},
      fmt::format("a control character (byte {}) is not allowed in YAML", static_cast<int>(*control)),
      {}};
}

std::string hint_for(const SourcePosition& position) {
  const std::string_view line = position.source->line(position.line);
  const auto column = static_cast<std::size_t>(std::max(position.column, 1) - 1);
  // A bare `${` inside of { } or [ ] ends the scalar at the brace.
  if (column > 0 && column < line.size() && line.substr(column - 1, 2) == "${")
    return "inside of { } or [ ], quote what holds '${'";
  if (line.find('\t') < line.find_first_not_of(" \t")) return "indent with spaces, not tabs";
  return {};
}

}  // namespace

std::optional<Node> parse_yaml(const std::shared_ptr<const SourceText>& source, Diagnostics& problems) {
  const auto give_up = [&](const SourcePosition& position, const std::string& text, const std::string& hint) {
    problems.add(position, text, hint);
    return std::nullopt;
  };
  if (const auto fatal = unreadable(source)) return give_up(fatal->position, fatal->text, fatal->hint);
  Builder builder(source, problems);
  try {
    std::istringstream stream(source->text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take();
  } catch (const Fatal& fatal) {
    return give_up(fatal.position, fatal.text, fatal.hint);
  } catch (const YAML::Exception& error) {
    const SourcePosition position{source, std::max(error.mark.line, 0) + 1,
                                  std::max(error.mark.column, 0) + 1};
    return give_up(position, "this is not YAML: " + error.msg, hint_for(position));
  }
}

}  // namespace envtool
