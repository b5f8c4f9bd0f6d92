#include "antiphon/state.h"

#include <algorithm>
#include <cmath>

#include "antiphon/json.h"

namespace antiphon {
namespace {

constexpr const char* kProduct = "antiphon";
constexpr std::size_t kMaxEditorKeys = 32;

Json object_at(const Json& json, const char* name) {
    const Json found = json.at(name);
    return found.is_object() ? found : Json::object();
}

// A value as a project holds it; `otherwise` where it makes no sense.
float read_value(const Parameter& row, const Json& json, float otherwise) {
    if (json.is_null()) return row.can_be_left ? kNotGiven : otherwise;
    if (row.kind == Kind::onoff) return json.flag() ? (*json.flag() ? 1.0f : 0.0f) : otherwise;
    if (row.kind == Kind::choice) {
        for (int i = 0; i < row.choice_count; ++i)
            if (json.text() == row.choices[i]) return static_cast<float>(i);
        return otherwise;
    }
    if (!json.number()) return otherwise;
    return std::clamp(static_cast<float>(*json.number()), row.low, row.high);
}

}  // namespace

std::string State::write(const Saved& saved) const {
    Json json = Json::parse(last_read_).value_or(Json::object());
    const bool is_newer = json.integer("format").value_or(0) > kFormat;
    if (!is_newer) json.set("format", std::int64_t{kFormat});
    json.set("product", kProduct);
    Json prompts = Json::array();
    for (const std::string& prompt : saved.prompts) prompts.add(Json::of(prompt));
    Json values = object_at(json, "values");
    for (int i = 0; i < kParameterCount; ++i)
        values.set(
            kParameters[i].id,
            *Json::parse(value_json(kParameters[i], saved.values[static_cast<std::size_t>(i)])));
    Json facts = object_at(json, "made_with");
    facts.set("engine", saved.facts.engine_version).set("bundle", saved.facts.bundle);
    facts.set("bundle_name", saved.facts.bundle_name);
    Json editor = object_at(json, "editor");
    for (const auto& [name, value] : saved.editor) editor.set(name, value);
    json.set("prompts", prompts).set("values", values).set("made_with", facts);
    json.set("take", saved.take);
    return json.set("editor", editor).dump(1);
}

bool State::read(std::string_view text, Saved& saved) {
    if (text.size() > kMaxBytes) return false;
    const std::optional<Json> json = Json::parse(text);
    if (!json || json->text("product") != kProduct) return false;
    last_read_ = std::string(text);
    const std::vector<Json> prompts = json->at("prompts").items();
    for (std::size_t i = 0; i < saved.prompts.size(); ++i)
        saved.prompts[i] = i < prompts.size() ? prompts[i].text().value_or("") : "";
    const Json values = json->at("values");
    for (int i = 0; i < kParameterCount; ++i) {
        const Parameter& row = kParameters[i];
        const float start = row.can_be_left ? kNotGiven : row.start;
        saved.values[static_cast<std::size_t>(i)] =
            values.has(row.id) ? read_value(row, values.at(row.id), start) : start;
    }
    const Json facts = json->at("made_with");
    saved.facts = {facts.text("engine"), facts.text("bundle"), facts.text("bundle_name")};
    saved.take = json->text("take");
    saved.editor.clear();
    for (const auto& [name, value] : json->at("editor").members())
        if (value.number() && saved.editor.size() < kMaxEditorKeys)
            saved.editor[name] = *value.number();
    return true;
}

}  // namespace antiphon
