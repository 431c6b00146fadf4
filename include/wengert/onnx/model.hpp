// Model: a network read from an ONNX file.
#pragma once

#include <wengert/nn/scope.hpp>
#include <wengert/onnx/value.hpp>
#include <wengert/reflect/parameters.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wengert::onnx {

/// One axis of an input or output.
struct Dimension {
  std::optional<std::size_t> extent;  ///< empty: any extent
  std::string name;                   ///< the name of an axis of any extent, such as "batch"; axes of one name are equal
};

/// An input or output of a model.
struct Port {
  std::string name;                                   ///< its name
  ElementType type = ElementType::undefined;          ///< the type of its elements
  std::optional<std::vector<Dimension>> shape;        ///< its axes; empty: not declared
};

namespace detail {
struct ModelFile;
}  // namespace detail

/// An initialiser of a model: a tensor of its weights.
template <class T>
struct Weight {
  /// Paths leave out the name of the member.
  using UnnamedMember = void;
  std::string name;        ///< its name in the file
  Parameter<T> parameter;  ///< its value

  /// What paths call it: `conv1.weight`.
  const std::string& element_name() const { return name; }
};

/// A running statistic of a model, which is saved with it and never trained.
template <class T>
struct Statistic {
  /// Paths leave out the name of the member.
  using UnnamedMember = void;
  std::string name;  ///< its name in the file
  Buffer<T> buffer;  ///< its value

  /// What paths call it: `norm1.running_mean`.
  const std::string& element_name() const { return name; }
};

/// The graph of a model, without its weights. Copies share it.
class ModelGraph {
 public:
  /// It has no Parameters.
  using HoldsNoParameters = void;

  /// An empty handle.
  ModelGraph() = default;
  /// From the content of a file.
  explicit ModelGraph(std::shared_ptr<const detail::ModelFile> file) : file_(std::move(file)) {}

  /// The content of the file. Throws HandleError for an empty handle.
  const detail::ModelFile& file(const Location& where = Location::current()) const;

 private:
  std::shared_ptr<const detail::ModelFile> file_;
};

/// A network read from an ONNX file: a module like any other, so its gradients can be checked, it can be trained further,
/// frozen in part, compiled, summarised and saved. `load` makes it.
///
///     const auto network = onnx::load<float>("network.onnx");
///     const Var<float> y = network(tape.constant(pictures));
///
/// The initialisers of floating type are its Parameters, under their names; running statistics of BatchNormalization are
/// Buffers, which are not trained. A call runs the graph on the tape of its arguments; integers that follow from shapes and constants are
/// computed without the tape. Copies share the Parameters.
template <class T>
struct Model {
  /// Paths leave out the names of the members.
  using UnnamedMember = void;

  std::vector<Weight<T>> weights;        ///< the initialisers of floating type, in the order of the file
  std::vector<Statistic<T>> statistics;  ///< those that are running statistics
  ModelGraph graph;                      ///< the graph

  /// The only output, for a model of one to four inputs, given in the order of `inputs()`. Throws ValueError if the
  /// number of inputs differs or the model has several outputs, ShapeError if an input has another shape than declared,
  /// and errors of ops, which name the node.
  ///@{
  Var<T> operator()(const Value<T>& x, Location where = Location::current()) const { return call({x}, where); }
  Var<T> operator()(const Value<T>& x, const Value<T>& y, Location where = Location::current()) const {
    return call({x, y}, where);
  }
  Var<T> operator()(const Value<T>& x, const Value<T>& y, const Value<T>& z, Location where = Location::current()) const {
    return call({x, y, z}, where);
  }
  Var<T> operator()(const Value<T>& x, const Value<T>& y, const Value<T>& z, const Value<T>& u,
                    Location where = Location::current()) const {
    return call({x, y, z, u}, where);
  }
  ///@}

  /// All outputs, in the order of `outputs()`, for inputs in the order of `inputs()`. At least one input must be a Var
  /// or an IndexVar, unless a tape is given. Throws as the call does.
  ///@{
  std::vector<Value<T>> run(const std::vector<Value<T>>& inputs, Location where = Location::current()) const;
  std::vector<Value<T>> run(Tape<T>& tape, const std::vector<Value<T>>& inputs,
                            Location where = Location::current()) const;
  ///@}

  /// The inputs, without those that have an initialiser.
  const std::vector<Port>& inputs() const;
  /// The outputs.
  const std::vector<Port>& outputs() const;
  /// The metadata of the file, with `producer_name`, `producer_version`, `domain` and `doc_string` where it has them.
  const std::map<std::string, std::string>& metadata() const;

 private:
  Var<T> call(const std::vector<Value<T>>& inputs, const Location& where) const;
};

/// Reads a model from an ONNX file (opsets 7 to 17; newer ones as far as their ops allow).
///
/// All floating types are converted to T. Throws FileError if the file is missing, damaged, or has external data that
/// are absent or lie outside its folder; ValueError if it uses an op that is not supported, naming node, op and opset.
template <class T>
Model<T> load(const std::filesystem::path& path, Location where = Location::current());

extern template struct Model<float>;
extern template struct Model<double>;

}  // namespace wengert::onnx
