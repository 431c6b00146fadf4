// Images in files, one by one or a folder by class.
#pragma once

#include <wengert/images/image.hpp>
#include <wengert/images/image_folder.hpp>
