// Renaming rules, partial loads and skipped names of load_parameters, in every format.
#include "io/renaming.hpp"

#include "temporary_folder.hpp"
#include "testing.hpp"
#include <wengert/io.hpp>

#include <ctime>
#include <fstream>
#include <vector>

using namespace wengert;
using namespace wengert::io;
using namespace wengert::testing;

namespace {

template <class T>
Tensor<T> filled_with(T value, const Shape& shape) {
  auto tensor = Tensor<T>::from_shape(xt::dynamic_shape<std::size_t>(shape));
  tensor.fill(value);
  return tensor;
}

template <class T>
struct Dense {
  Parameter<T> weight, bias;
};
// A network of two dense layers, 3 → 2 → 2, whose elements are `value`.
template <class T>
struct Body {
  std::vector<Dense<T>> body;
  Dense<T> head;

  static Body make(T value, std::size_t classes = 2) {
    const auto dense = [&](std::size_t out, std::size_t in) {
      return Dense<T>{Parameter<T>(filled_with(value, {out, in})), Parameter<T>(filled_with(value, {out}))};
    };
    return {{dense(2, 3), dense(2, 2)}, dense(classes, 2)};
  }
};

// The entries of the same network under other names, each filled with its number.
template <class T>
std::vector<NamedTensor<T>> entries_below(const std::string& body, const std::string& head) {
  const auto filled = [](int n, const Shape& shape) { return filled_with(static_cast<T>(n), shape); };
  std::vector<NamedTensor<T>> entries;
  entries.push_back({body + "0.weight", filled(1, {2, 3})});
  entries.push_back({body + "0.bias", filled(2, {2})});
  entries.push_back({body + "1.weight", filled(3, {2, 2})});
  entries.push_back({body + "1.bias", filled(4, {2})});
  entries.push_back({head + "weight", filled(5, {2, 2})});
  entries.push_back({head + "bias", filled(6, {2})});
  return entries;
}

// The first element of each parameter.
template <class Module>
std::vector<double> firsts(const Module& module) {
  std::vector<double> values;
  for_each_parameter(module, [&](const std::string&, const auto& p) { values.push_back(p.value().data()[0]); });
  return values;
}

using Names = std::vector<std::string>;
using Values = std::vector<double>;

std::string renamed_to(const Rename& rule, std::string_view name) { return renamed(rule, name).value_or("(none)"); }

std::string rules_text(const std::vector<Rename>& rules) {
  std::string text;
  for (const Rename& rule : rules) text += rule.from + " → " + rule.to + "; ";
  return text;
}

}  // namespace

TEST_CASE("a rule keeps what its wildcards stand for") {
  CHECK(renamed_to({"encoder.*", "body.*"}, "encoder.0.weight") == "body.0.weight");
  CHECK(renamed_to({"encoder.*", "body.*"}, "encoder2.0.weight") == "(none)");
  CHECK(renamed_to({"encoder*", "body*"}, "encoder") == "body");
  CHECK(renamed_to({"module.*", "*"}, "module.encoder.bias") == "encoder.bias");
  CHECK(renamed_to({"*", "net.*"}, "bias") == "net.bias");
  CHECK(renamed_to({"*.gamma", "*.weight"}, "norm.gamma.gamma") == "norm.gamma.weight");
  CHECK(renamed_to({"h.*.attn.*", "blocks.*.attention.*"}, "h.11.attn.c.attn.weight") ==
        "blocks.11.attention.c.attn.weight");
  CHECK(renamed_to({"*.*", "*/*"}, "a.b.c") == "a/b.c");
  CHECK(renamed_to({"weight", "kernel"}, "weight") == "kernel");
  CHECK(renamed_to({"weight", "kernel"}, "weights") == "(none)");
  CHECK(renamed_to({"", ""}, "") == "");
  CHECK(renamed_to({"*b*c", "*|*"}, "abbcbc") == "a|bcb");
}

TEST_CASE("renamed entries are loaded, from either format, into either scalar type") {
  const TemporaryFolder folder;
  save_npz<float>(folder / "weights.npz", entries_below<float>("encoder.", "head."));
  save_safetensors<float>(folder / "weights.safetensors", entries_below<float>("encoder.", "head."));
  for (const char* file : {"weights.npz", "weights.safetensors"}) {
    const LoadOptions options{.rename = {{"encoder.*", "body.*"}}};
    const auto narrow = Body<float>::make(0);
    const LoadReport report = load_parameters(narrow, folder / file, options);
    CHECK(firsts(narrow) == Values{1, 2, 3, 4, 5, 6});
    CHECK(report.complete());
    CHECK(report.loaded.size() == 6);
    REQUIRE(report.renamed.size() == 4);
    CHECK(report.renamed[2].name == "body.1.weight");
    CHECK(report.renamed[2].in_file == "encoder.1.weight");
    CHECK(report.converted.empty());
    const auto wide = Body<double>::make(0);
    const LoadReport widened = load_parameters(wide, folder / file, options);
    CHECK(firsts(wide) == Values{1, 2, 3, 4, 5, 6});
    REQUIRE(widened.converted.size() == 6);
    CHECK(widened.converted[5].name == "head.bias");
    CHECK(widened.converted[5].in_file == "float32");
  }
}

TEST_CASE("rules are applied in order, each to the names that the previous ones leave") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.npz";
  save_npz<float>(path, entries_below<float>("module.encoder.", "module.classifier."));
  const auto module = Body<float>::make(0);
  load_parameters(module, path, {.rename = {{"module.*", "*"}, {"encoder.*", "body.*"}, {"classifier.*", "head.*"}}});
  CHECK(firsts(module) == Values{1, 2, 3, 4, 5, 6});
  const auto other = Body<float>::make(0);
  load_parameters(other, path, {.prefix = "module.", .rename = {{"encoder.*", "body.*"}, {"classifier.*", "head.*"}}});
  CHECK(firsts(other) == Values{1, 2, 3, 4, 5, 6});
  CHECK_ERROR(ValueError,
              "[load_parameters] " + path.string() +
                  ": the rule 'encoder.*' → 'body.*' matches no name: the nearest are 'module.encoder.0.weight', "
                  "'module.encoder.0.bias', 'module.encoder.1.weight'",
              load_parameters(other, path, {.rename = {{"encoder.*", "body.*"}, {"module.*", "*"}}}));
}

TEST_CASE("rules with typos, uneven wildcards or one name for two entries are refused, also in partial loads") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.safetensors";
  save_safetensors<float>(path, entries_below<float>("encoder.", "head."));
  const auto module = Body<float>::make(7);
  CHECK_ERROR(
      ValueError,
      "the rule 'encodr.1.*' → 'body.*' matches no name: the nearest are 'encoder.1.weight', 'encoder.1.bias', ",
      load_parameters(module, path, {.rename = {{"encodr.1.*", "body.*"}}, .partial = true}));
  CHECK_ERROR(ValueError, "'head.*' → 'top' has 1 wildcards on the left and 0 on the right: expected as many",
              load_parameters(module, path, {.rename = {{"head.*", "top"}}, .partial = true}));
  CHECK_ERROR(ValueError,
              "'encoder.0.bias' and 'encoder.1.bias' both become 'body.0.bias': expected rules that keep names apart",
              load_parameters(
                  module, path,
                  {.rename = {{"encoder.1.bias", "encoder.0.bias"}, {"encoder.0.*", "body.0.*"}}, .partial = true}));
  CHECK_ERROR(ValueError, "'hed.*' in skip matches no name: the nearest are 'head.weight', 'head.bias'",
              compare_parameters(module, path, {.skip = {"hed.*"}}));
  CHECK_ERROR(ValueError, "[compare_parameters] ", compare_parameters(module, path, {.prefix = "x"}));
  CHECK(firsts(module) == Values{7, 7, 7, 7, 7, 7});
}

TEST_CASE("each kind of difference is accepted by its own option, or all by partial") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.npz";
  auto entries = entries_below<float>("body.", "head.");
  entries.erase(entries.begin() + 1);
  entries.push_back({"extra", Tensor<float>{1}});
  save_npz<float>(path, entries);
  const auto load = [&](const LoadOptions& options) {
    const auto module = Body<float>::make(0, 5);
    const LoadReport report = load_parameters(module, path, options);
    CHECK(firsts(module) == Values{1, 0, 3, 4, 0, 0});
    CHECK(report.loaded == Names{"body.0.weight", "body.1.weight", "body.1.bias"});
    CHECK(report.missing == Names{"body.0.bias"});
    CHECK(report.unexpected == Names{"extra"});
    REQUIRE(report.mismatched.size() == 2);
    CHECK(report.mismatched[0].in_file == Shape{2, 2});
    CHECK(report.mismatched[0].expected == Shape{5, 2});
  };
  load({.partial = true});
  load({.allow_missing = true, .allow_unexpected = true, .allow_shape_mismatch = true});
  const auto module = Body<float>::make(0, 5);
  for (const LoadOptions& options : {LoadOptions{.allow_missing = true, .allow_unexpected = true},
                                     LoadOptions{.allow_missing = true, .allow_shape_mismatch = true},
                                     LoadOptions{.allow_unexpected = true, .allow_shape_mismatch = true}})
    CHECK_ERROR(FileError,
                "3 matching; missing: body.0.bias; unexpected: extra; mismatched: head.weight has shape (2, 2), "
                "expected (5, 2), head.bias has shape (2,), expected (5,); nothing was loaded; see "
                "LoadOptions::partial",
                load_parameters(module, path, options));
  CHECK(firsts(module) == Values(6, 0));
  save_npz<float>(path, {{"extra", Tensor<float>{1}}});
  CHECK_ERROR(FileError, "0 matching; missing: body.0.weight", load_parameters(module, path, {.partial = true}));
}

TEST_CASE("a load of nothing is an error that says why") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.safetensors";
  const auto module = Body<float>::make(0);
  const LoadOptions partial{.partial = true};
  save_safetensors<float>(path, {{"extra", Tensor<float>{1}}});
  const std::string choose =
      "nothing was loaded; choose the file of this network: no entry has the name and shape of a parameter";
  for (const LoadOptions& options : {LoadOptions{}, partial})
    CHECK(contains(file_complaint([&] { load_parameters(module, path, options); }), choose));
  save_safetensors<float>(path, {{"encoder.0.bias", Tensor<float>{1, 2}}});
  CHECK(
      contains(file_complaint([&] { load_parameters(module, path, partial); }),
               "nothing was loaded; try .rename = {{\"encoder.*\", \"body.*\"}}, or choose the file of this network"));
  save_safetensors<float>(path, entries_below<float>("body.", "head."));
  CHECK(contains(file_complaint([&] { load_parameters(module, path, {.skip = {"*"}}); }),
                 "0 matching; nothing was loaded; `skip` leaves out every parameter"));
  std::ofstream(path, std::ios::binary) << std::string("\x02\0\0\0\0\0\0\0{}", 10);
  const std::string empty =
      "[load_parameters] " + path.string() + ": the file has no entries: expected the parameters of a network";
  CHECK(file_complaint([&] { load_parameters(module, path); }).starts_with(empty));
  CHECK(file_complaint([&] { load_parameters(module, path, partial); }).starts_with(empty));
  CHECK_ERROR(ValueError, "the prefix 'a.' matches no name: the file has no entries",
              load_parameters(module, path, {.prefix = "a."}));
  CHECK(compare_parameters(module, path).missing.size() == 6);
  CHECK(firsts(module) == Values(6, 0));
}

TEST_CASE("what is skipped is neither loaded nor missing nor unexpected") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.npz";
  save_npz<float>(path, entries_below<float>("encoder.", "head."));
  const auto module = Body<float>::make(0, 5);
  const LoadReport report =
      load_parameters(module, path, {.rename = {{"encoder.*", "body.*"}}, .skip = {"head.*", "*.1.bias"}});
  CHECK(firsts(module) == Values{1, 2, 3, 0, 0, 0});
  CHECK(report.complete());
  CHECK(report.skipped == Names{"body.1.bias", "head.weight", "head.bias"});
  auto entries = entries_below<float>("body.", "head.");
  entries.push_back({"optimiser.step", Tensor<float>{1}});
  save_npz<float>(path, entries);
  CHECK(load_parameters(Body<float>::make(0), path, {.skip = {"optimiser.*"}}).skipped == Names{"optimiser.step"});
  const Parameter<float> shared(Tensor<float>{1, 2});
  const Dense<float> tied{shared, shared};
  save_npz<float>(path, {{"weight", Tensor<float>{3}}, {"other", Tensor<float>{3}}});
  CHECK_ERROR(FileError, "nothing was loaded", load_parameters(tied, path, {.skip = {"bias"}, .partial = true}));
  CHECK(compare_parameters(tied, path, {.skip = {"bias"}}).skipped == Names{"weight"});
}

TEST_CASE("types in the file have NumPy's names") {
  const TemporaryFolder folder;
  const std::string header = R"({"weight":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},)"
                             R"("bias":{"dtype":"F16","shape":[1],"data_offsets":[2,4]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  const auto path = folder / "half.safetensors";
  std::ofstream(path, std::ios::binary) << bytes << header << std::string("\x80\x3f\x00\x3c", 4);
  const Dense<float> module{Parameter<float>(Tensor<float>{0}), Parameter<float>(Tensor<float>{0})};
  const LoadReport report = load_parameters(module, path);
  CHECK(to_string(report) == "2 loaded, 2 converted\nconverted   weight from bfloat16\nconverted   bias from float16");
  CHECK(firsts(module) == Values{1, 1});
}

TEST_CASE("the error suggests the rules that fit") {
  const TemporaryFolder folder;
  const auto path = folder / "weights.npz";
  const auto module = Body<float>::make(0);
  const auto suggestion = [&](const std::string& body, const std::string& head, const LoadOptions& options = {}) {
    save_npz<float>(path, entries_below<float>(body, head));
    const std::string error = file_complaint([&] { load_parameters(module, path, options); });
    return error.substr(error.find("nothing was loaded"));
  };
  CHECK(suggestion("encoder.", "head.") ==
        "nothing was loaded; try .rename = {{\"encoder.*\", \"body.*\"}}, or see LoadOptions::partial");
  CHECK(contains(suggestion("net.body.", "net.head."), "try .rename = {{\"net.*\", \"*\"}}, or"));
  CHECK(contains(suggestion("encoder.", "fc."),
                 "try .rename = {{\"encoder.*\", \"body.*\"}, {\"fc.*\", \"head.*\"}}, or"));
  CHECK(contains(suggestion("encoder.", "fc.", {.rename = {{"encoder.*", "body.*"}}}),
                 "nothing was loaded; add {\"fc.*\", \"head.*\"} to rename, or"));
  const NamedShape gamma{"a.norm.gamma", {2}}, other_gamma{"b.norm.gamma", {3}}, plain{"c.weight", {2}};
  CHECK(rules_text(suggested_rules({gamma, other_gamma}, {{"a.norm.weight", {2}}, {"b.norm.weight", {3}}}, {})) ==
        "*.gamma → *.weight; ");
  CHECK(rules_text(suggested_rules({{"h.0.attn.bias", {2}}, {"h.1.attn.bias", {2}}},
                                   {{"h.0.attention.bias", {2}}, {"h.1.attention.bias", {2}}}, {})) ==
        "*.attn.* → *.attention.*; ");
  CHECK(rules_text(suggested_rules({{"0.bias", {2}}}, {{"net.0.bias", {2}}}, {})) == "* → net.*; ");
  CHECK(suggested_rules({{"0.bias", {2}}}, {{"net.0.bias", {2}}}, {"1.bias"}).empty());  // would rename 1.bias, too
  CHECK(suggested_rules({{"a.bias", {2}}}, {{"b.bias", {3}}}, {}).empty());
  CHECK(suggested_rules({{"kernel", {2}}}, {{"weight", {2}}}, {}).empty());
  CHECK(rules_text(suggested_rules({{"a.bias", {2}}, {"b.bias", {2}}}, {{"c.bias", {2}}, {"d.bias", {2}}}, {})) ==
        "a.* → c.*; b.* → d.*; ");
}

TEST_CASE("the time of a suggestion does not grow with the square of the number of names") {
  std::vector<NamedShape> unexpected, missing;
  std::vector<std::string> kept;
  for (int i = 0; i < 20'000; ++i) {
    unexpected.push_back({fmt::format("encoder.{}.weight", i), {2}});
    missing.push_back({fmt::format("body.{}.weight", i), {2}});
    kept.push_back(fmt::format("head.{}.weight", i));
  }
  const std::clock_t start = std::clock();
  CHECK(rules_text(suggested_rules(unexpected, missing, kept)) == "encoder.* → body.*; ");
  CHECK(std::clock() - start < 10 * CLOCKS_PER_SEC);  // one comparison of each pair of names would take a minute
}
