// Forward declarations of the engine's types.
#pragma once

#include <iosfwd>
#include <type_traits>

/// The engine, and its parts for networks.
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
class Program;

/// Writes shape and elements, of many the first and last ones; of a tape that computes nothing, the shape alone.
template <class T>
std::ostream& operator<<(std::ostream& out, const Var<T>& var);

/// Whether E is what the elements of a tensor beside Vars of T may be: T itself, or bool for masks.
template <class E, class T>
concept OperandElement = std::is_same_v<E, T> || std::is_same_v<E, bool>;

}  // namespace wengert
