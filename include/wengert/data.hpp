// Data sets and tables: reading from files, encoding, splitting, normalising and batching.
#pragma once

#include <wengert/data/arrays.hpp>
#include <wengert/data/augment.hpp>
#include <wengert/data/batches.hpp>
#include <wengert/data/bucket_sampler.hpp>
#include <wengert/data/csv.hpp>
#include <wengert/data/dataset.hpp>
#include <wengert/data/frame.hpp>
#include <wengert/data/idx.hpp>
#include <wengert/data/loader.hpp>
#include <wengert/data/mapped.hpp>
#include <wengert/data/mapped_frame.hpp>
#include <wengert/data/normalise.hpp>
#include <wengert/data/samples.hpp>
#include <wengert/data/schema.hpp>
#include <wengert/data/sequences.hpp>
#include <wengert/data/table.hpp>
#include <wengert/data/table_encoder.hpp>
