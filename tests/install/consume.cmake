# Configures, builds and runs the consumer against the package installed in PREFIX.
file(REMOVE_RECURSE ${BUILD})
set(run COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G ${GENERATOR}
  -D CMAKE_PREFIX_PATH=${PREFIX} -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_BUILD_TYPE=Release
  ${run})
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} ${run})
execute_process(COMMAND ${BUILD}/consumer COMMAND_ERROR_IS_FATAL ANY)
