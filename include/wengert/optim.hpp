// Optimisers: update rules, what applies them to a network, and schedules of the learning rate.
#pragma once

#include <wengert/optim/adam.hpp>
#include <wengert/optim/adam_variants.hpp>
#include <wengert/optim/adaptive.hpp>
#include <wengert/optim/clip.hpp>
#include <wengert/optim/lbfgs.hpp>
#include <wengert/optim/optimizer.hpp>
#include <wengert/optim/rule.hpp>
#include <wengert/optim/schedule.hpp>
#include <wengert/optim/sgd.hpp>
