// Training: fit, metrics and reports.
#pragma once

#include <wengert/report/history.hpp>
#include <wengert/report/report.hpp>
#include <wengert/train/fit.hpp>
#include <wengert/train/metrics.hpp>
#include <wengert/train/options.hpp>
#include <wengert/train/predict.hpp>
#include <wengert/train/predictor.hpp>
#include <wengert/train/samples.hpp>
