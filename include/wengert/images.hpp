// Image files: single images, and folders with one subfolder per class.
#pragma once

#include <wengert/images/image.hpp>
#include <wengert/images/image_folder.hpp>
