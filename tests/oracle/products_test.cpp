// matmul, dot, outer, tensordot and einsum against PyTorch.
#include "oracle.hpp"

using namespace wengert;
using namespace wengert::testing;

namespace {

Oracle& products_oracle() {
  static Oracle figures("products");
  return figures;
}

}  // namespace

TEST_CASE("products agree with PyTorch") {
  products_oracle().check_each(
      "matmul",
      {"matrix", "row", "column", "inner", "stack", "stack_by_matrix", "matrix_by_stack", "broadcast", "both_broadcast",
       "row_by_stack", "stack_by_column", "empty_inner", "rank8"},
      [](auto a, auto b) { return matmul(a, b); });
  products_oracle().check("matmul.transposed",
                          [](auto a, auto b) { return matmul(swapaxes(a, -1, -2), swapaxes(b, 1, 2)); });
  products_oracle().check("matmul.permuted", [](auto a, auto b) { return matmul(transpose(a, {1, 0, 2}), b); });
  products_oracle().check_each("dot", {"vectors", "stacks", "stack_by_vector", "scalar"},
                               [](auto a, auto b) { return dot(a, b); });
  products_oracle().check("outer", [](auto a, auto b) { return outer(a, b); });
  products_oracle().check("outer.flattened", [](auto a, auto b) { return outer(a, b); });
  products_oracle().check("tensordot.2", [](auto a, auto b) { return tensordot(a, b); });
  products_oracle().check("tensordot.0", [](auto a, auto b) { return tensordot(a, b, 0); });
  products_oracle().check("tensordot.all", [](auto a, auto b) { return tensordot(a, b, 2); });
  products_oracle().check("tensordot.named", [](auto a, auto b) { return tensordot(a, b, {0, -1}, {2, 0}); });
  const char* subscripts[] = {
      "ij,jk->ik",
      "ij,jk",
      "ba,cb",
      "ij->ji",
      "ij",
      "ba",
      "ii",
      "ii->i",
      "iji->j",
      "iii->i",
      "ijk->",
      "i,i",
      "i,j->ji",
      "ij,ij->ij",
      "bij,bjk->bik",
      "bqhd,bkhd->bhqk",
      "bhqk,bkhd->bqhd",
      "...ij,...jk->...ik",
      "...,...",
      "i...,i...->...",
      "i...->...i",
      "...ii->...i",
      "ijk,ilm,njm,nlk,abc->",
      "ij,jk,kl,lm->im",
      "bn,anm,bm->ba",
      "ijk,kji->",
      "ab,cd,ef,ac,be,df,af->",
      "ij,jk->",
      ",ij->ij",
      "ij,ij->i",
      "aij,ajk->iak",
      "ijkl,kmln->imjn",
      "Ab,bA->bA",
      "...a->a",
  };
  std::size_t k = 0;
  for (const char* text : subscripts)
    products_oracle().check(fmt::format("einsum.{}", k++),
                            [text](auto first, auto... rest) { return einsum(text, first, rest...); });
  products_oracle().check_all_were_checked();
}
