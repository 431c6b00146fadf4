// Forward declarations of the engine's types.
#pragma once

#include <iosfwd>
#include <type_traits>

/// The engine. Nested namespaces hold the components: nn, optim, io, data, images, report and train.
namespace wengert {

template <class T>
class Tape;
template <class T>
class Var;
template <class T>
class IndexVar;
template <class T>
class Operand;
template <class T>
class Parameter;
template <class T>
struct Op;
template <class T>
struct Node;
template <class T>
class Pullback;
template <class T>
class Recorder;
template <class T>
class ScatterSum;
template <class T>
class Sweep;
template <class T>
class UpdateQueue;
template <class T>
class Program;

/// Writes the shape and the elements, abbreviated if there are many; only the shape if the value is not computed.
template <class T>
std::ostream& operator<<(std::ostream& out, const Var<T>& var);

/// Whether tensors of E can be operands of ops on Vars of T: E is T, or bool for masks.
template <class E, class T>
concept OperandElement = std::is_same_v<E, T> || std::is_same_v<E, bool>;

}  // namespace wengert
