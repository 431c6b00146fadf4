// Reports: the history of a training run, its curves and its page.
#pragma once

#include <wengert/report/confusion_matrix.hpp>
#include <wengert/report/history.hpp>
#include <wengert/report/report.hpp>
