// Includes the translation unit (HWY_TARGET_INCLUDE) once for each instruction set. No include
// guard: Highway includes the unit again for each.
#include "cpu/targets.h"
#include "hwy/foreach_target.h"
