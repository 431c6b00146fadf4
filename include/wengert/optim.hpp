// Optimisers: update rules, their application to a network, and learning-rate schedules.
#pragma once

#include <wengert/optim/adam.hpp>
#include <wengert/optim/adam_variants.hpp>
#include <wengert/optim/adaptive.hpp>
#include <wengert/optim/any_optimizer.hpp>
#include <wengert/optim/average.hpp>
#include <wengert/optim/clip.hpp>
#include <wengert/optim/lbfgs.hpp>
#include <wengert/optim/optimizer.hpp>
#include <wengert/optim/rprop.hpp>
#include <wengert/optim/rule.hpp>
#include <wengert/optim/schedule.hpp>
#include <wengert/optim/sgd.hpp>
