#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "boxes/byte_source.h"

namespace envtool {

/// A text that comes in pieces; what happens at its end may be given.
class TextSource : public ByteSource {
 public:
  TextSource(std::string text, std::size_t piece, std::function<void()> at_end = {})
      : text_(std::move(text)), piece_(piece), at_end_(std::move(at_end)) {}

  std::string_view read(Operation&) override {
    const std::string_view piece = std::string_view(text_).substr(place_, piece_);
    place_ += piece.size();
    if (piece.empty() && at_end_) at_end_();
    return piece;
  }
  std::uint64_t size() const override { return text_.size(); }
  bool is_at_end() const { return place_ == text_.size(); }

 private:
  std::string text_;
  std::size_t piece_, place_ = 0;
  std::function<void()> at_end_;
};

}  // namespace envtool
