// Inference of the 784-128-10 network: train::Predictor on one thread, on two threads, and in two processes.
#include "tensors.hpp"
#include <wengert/nn.hpp>
#include <wengert/train.hpp>

#include <array>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace bench;

using Predictor = wg::train::Predictor<wg::Tensor<float>(wg::Tensor<float>)>;

// As in the training benchmark: the weights are (inputs, outputs).
struct Perceptron {
  wg::Parameter<float> w1 = parameter(mlp::weights[0], 3), b1 = parameter(mlp::weights[1], 4);
  wg::Parameter<float> w2 = parameter(mlp::weights[2], 5), b2 = parameter(mlp::weights[3], 6);

  wg::Var<float> operator()(wg::Var<float> x) const {
    auto& tape = x.tape();
    const auto hidden = sigmoid(matmul(x, tape.variable(w1)) + tape.variable(b1));
    return matmul(hidden, tape.variable(w2)) + tape.variable(b2);
  }
};

class Predicted : public Work {
 public:
  explicit Predicted(std::size_t batch) : inputs_(tensor<float>({batch, mlp::inputs}, 1, 0, 1)) {}

  void step() override { predictor_.run(inputs_, outputs_); }
  double value() override { return static_cast<double>(outputs_(0, 0)); }
  std::vector<Array> arrays() override { return {array("outputs", outputs_)}; }

 protected:
  // Calls enough for a step to take some milliseconds.
  void call_often(wg::Tensor<float>& outputs) const {
    const std::size_t calls = 8192 / (inputs_.shape()[0] + 15);
    for (std::size_t i = 0; i < calls; ++i) predictor_.run(inputs_, outputs);
  }
  wg::Tensor<float> inputs_, outputs_;
  Predictor predictor_{Perceptron()};
};

// Two byte streams, from and to a worker.
class Pipes {
 public:
  Pipes() {
    if (pipe(to_.data()) != 0 || pipe(from_.data()) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipes() {
    for (const int end : {to_[0], to_[1], from_[0], from_[1]}) close(end);
  }
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;

  // The caller starts the worker, and waits until it is done.
  void start() { write_byte(to_[1], 1); }
  void wait() { read_byte(from_[0]); }
  void stop() { write_byte(to_[1], 0); }
  // In a worker process: keeps only its own ends, so that it ends with its parent.
  void keep_worker_ends() {
    close(std::exchange(to_[1], -1));
    close(std::exchange(from_[0], -1));
  }
  // The worker's loop.
  template <class F>
  void serve(const F& work) {
    while (read_byte(to_[0]) == 1) {
      work();
      write_byte(from_[1], 1);
    }
  }

 private:
  static void write_byte(int end, char byte) {
    if (write(end, &byte, 1) != 1) throw std::runtime_error("a worker is gone");
  }
  static char read_byte(int end) {
    char byte = 0;
    return read(end, &byte, 1) == 1 ? byte : 0;
  }
  std::array<int, 2> to_{}, from_{};
};

// The caller's thread and another one call the same Predictor.
class OnThreads : public Predicted {
 public:
  explicit OnThreads(std::size_t batch) : Predicted(batch) {
    thread_ = std::thread([this] {
      wg::Tensor<float> outputs;
      pipes_.serve([&] { call_often(outputs); });
    });
  }
  ~OnThreads() override {
    pipes_.stop();
    thread_.join();
  }
  void step() override {
    pipes_.start();
    call_often(outputs_);
    pipes_.wait();
  }

 private:
  Pipes pipes_;
  std::thread thread_;
};

// The same in the caller's process and another one.
class InProcesses : public Predicted {
 public:
  explicit InProcesses(std::size_t batch) : Predicted(batch), child_(fork()) {
    if (child_ != 0) return;
    pipes_.keep_worker_ends();
    wg::Tensor<float> outputs;
    pipes_.serve([&] { call_often(outputs); });
    _exit(0);
  }
  ~InProcesses() override {
    pipes_.stop();
    waitpid(child_, nullptr, 0);
  }
  void step() override {
    pipes_.start();
    call_often(outputs_);
    pipes_.wait();
  }

 private:
  Pipes pipes_;  // before the fork
  pid_t child_;
};

const bool offered = [] {
  for (const std::size_t batch : {1U, 256U}) {
    const std::string model = "inference-" + std::to_string(batch);
    offer<Predicted>(model + "/predictor", batch);
    offer<OnThreads>(model + "/threads", batch);
    offer<InProcesses>(model + "/processes", batch);
  }
  return true;
}();

}  // namespace
