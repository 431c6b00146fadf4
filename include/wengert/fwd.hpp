// Forward declarations of the engine's types.
#pragma once

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

}  // namespace wengert
