// JSON: as much of it as messages, projects and settings need.
//
// A value, copied by value, over the nlohmann library, which stays in one source file: it takes as
// long to compile as all the rest. Nothing throws on what others wrote: a member that is missing or
// of another kind reads as empty. Texts that nest deeper than 32 are not parsed. Any thread but the
// audio thread.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace antiphon {

class Json {
  public:
    Json();  // null
    Json(const Json& other);
    Json(Json&& other) noexcept;
    Json& operator=(Json other) noexcept;
    ~Json();

    static Json object();
    static Json array();
    static Json of(std::string_view text);
    static Json of(const char* text) { return of(std::string_view(text)); }
    static Json of(double number);
    static Json of(std::int64_t number);
    static Json of(std::uint64_t number);
    static Json of(bool flag);

    // Nothing if the text is no JSON, or nests too deep.
    static std::optional<Json> parse(std::string_view text);
    // Members sorted by name. Text that is no UTF-8 is replaced where it is broken.
    std::string dump(int indent = -1) const;

    // --- of the value itself --------------------------------------------------------------------
    bool is_null() const;
    bool is_object() const;
    bool is_array() const;
    std::optional<std::string> text() const;
    std::optional<double> number() const;  // finite
    std::optional<std::int64_t> integer() const;
    std::optional<std::uint64_t> count() const;
    std::optional<bool> flag() const;
    std::vector<Json> items() const;                            // of an array
    std::vector<std::pair<std::string, Json>> members() const;  // of an object

    // --- of an object's member ------------------------------------------------------------------
    bool has(const char* name) const;
    Json at(const char* name) const;  // null if it is not there
    std::string text(const char* name) const { return at(name).text().value_or(""); }
    std::optional<double> number(const char* name) const { return at(name).number(); }
    std::optional<std::int64_t> integer(const char* name) const { return at(name).integer(); }
    std::optional<std::uint64_t> count(const char* name) const { return at(name).count(); }

    // --- making one -----------------------------------------------------------------------------
    Json& set(const std::string& name, Json value);  // of an object
    template <typename T>
    Json& set(const std::string& name, const T& value) {
        return set(name, of(value));
    }
    Json& add(Json value);  // to an array

  private:
    struct Value;
    explicit Json(std::unique_ptr<Value> value);
    std::unique_ptr<Value> value_;
};

}  // namespace antiphon
