# Compiler launcher, flags, and the two flags that would break promises.

# ccache, set up so that several checkouts of the project share their results.
find_program(LIBMDP_CCACHE ccache)
mark_as_advanced(LIBMDP_CCACHE)
if(LIBMDP_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    ${LIBMDP_CCACHE})
endif()

# Bounds are proved for IEEE arithmetic as written: nothing that re-associates or assumes no NaN.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles("
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error fast math
#endif
int main() {}" LIBMDP_IEEE_ARITHMETIC)
if(NOT LIBMDP_IEEE_ARITHMETIC)
  message(FATAL_ERROR "libmdp refuses -ffast-math, -Ofast and -ffinite-math-only: its bounds are proved for IEEE arithmetic. Take the flag out of CXXFLAGS / CMAKE_CXX_FLAGS.")
endif()

# What every target of ours compiles with; LIBMDP_STRICT adds the warnings, which consumers never see.
add_library(libmdp_flags INTERFACE)
if(LIBMDP_STRICT)
  target_compile_options(libmdp_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # g++ 12 sees overlapping copies in "text" + std::string (GCC bug 105651).
    target_compile_options(libmdp_flags INTERFACE -Wno-restrict)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND (LIBMDP_SANITIZE OR LIBMDP_NATIVE))
    # g++ 12 with sanitizers, or in its own headers for AVX-512, warns about code that is right (GCC bugs 105562, 105593).
    target_compile_options(libmdp_flags INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow)
  endif()
endif()
if(LIBMDP_NATIVE)
  target_compile_options(libmdp_flags INTERFACE -march=native)
endif()
if(LIBMDP_SANITIZE)
  target_compile_options(libmdp_flags INTERFACE -fsanitize=${LIBMDP_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(libmdp_flags INTERFACE -fsanitize=${LIBMDP_SANITIZE})
  if(LIBMDP_SANITIZE MATCHES thread)
    # The resolvers of target_clones run before the thread sanitizer is ready and crash.
    set(LIBMDP_TARGET_CLONES OFF)
  endif()
endif()
if(NOT LIBMDP_TARGET_CLONES)
  target_compile_definitions(libmdp_flags INTERFACE MDP_NO_TARGET_CLONES)
endif()
