# Installs the build BUILD into the fresh folder PREFIX.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}
  COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
# One header of each kind: public ones are there, internal ones are not.
foreach(header libmdp/mdp.hpp libmdp/kernels/bellman.hpp solvers/result.hpp)
  if(NOT EXISTS ${PREFIX}/include/libmdp/${header})
    message(FATAL_ERROR "${header} is not installed")
  endif()
endforeach()
if(EXISTS ${PREFIX}/include/libmdp/libmdp/io/rational.hpp)
  message(FATAL_ERROR "an internal header is installed")
endif()
