# Tests of src/cuda that need neither a GPU nor nvcc: the launchers run under the launch emulation, plain and under ASan + UBSan; and with nvcc, where it is found,
# everything compiles without a warning or a spill. Include after enable_testing(); libetalon (target `etalon_static`) is compared with where it exists.
#   cmake -S . -B build && cmake --build build && ctest --test-dir build -R cuda
# Alone, without the rest of the project: cmake -S test/cuda -B build-cuda
get_filename_component(ETALON_CUDA_ROOT ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)

function(etalon_emulated name sanitize)
  add_executable(${name} ${ARGN})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_include_directories(${name} PRIVATE ${ETALON_CUDA_ROOT}/include ${ETALON_CUDA_ROOT}/src)
  target_compile_options(${name} PRIVATE -Wall -Wextra -ffp-contract=off -include ${ETALON_CUDA_ROOT}/test/emulation/cuda_emulation.h)
  if(sanitize)
    target_compile_options(${name} PRIVATE -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined)
    target_link_options(${name} PRIVATE -fsanitize=address,undefined)
  endif()
endfunction()

set(launchers ${ETALON_CUDA_ROOT}/test/cuda/launchers.cpp)
foreach(kind plain asan)
  string(COMPARE EQUAL ${kind} asan sanitize)
  etalon_emulated(cuda_emulation_${kind} ${sanitize} ${ETALON_CUDA_ROOT}/test/emulation/emulation_test.cpp)
  add_test(NAME cuda_emulation_${kind} COMMAND cuda_emulation_${kind})
  etalon_emulated(cuda_launchers_${kind} ${sanitize} ${launchers} ${ETALON_CUDA_ROOT}/test/cuda/cuda_test.cpp)
  add_test(NAME cuda_launchers_${kind} COMMAND cuda_launchers_${kind})
endforeach()

set_tests_properties(cuda_launchers_plain cuda_launchers_asan PROPERTIES COST 10)   # seconds: ctest begins with the longest

# That it dies is the test: a kernel without its bounds check, and one that runs past a shared array.
foreach(fault bounds shared)
  add_test(NAME cuda_emulation_catches_${fault} COMMAND cuda_emulation_asan ${fault})
  set_tests_properties(cuda_emulation_catches_${fault} PROPERTIES PASS_REGULAR_EXPRESSION "AddressSanitizer: (heap-buffer-overflow|use-after-poison)")
endforeach()

if(TARGET etalon_static)
  etalon_emulated(cuda_against_cpu FALSE ${launchers} ${ETALON_CUDA_ROOT}/test/cuda/against_cpu_test.cpp)
  target_link_libraries(cuda_against_cpu PRIVATE etalon_static)
  add_test(NAME cuda_against_cpu COMMAND cuda_against_cpu)
  set_tests_properties(cuda_against_cpu PROPERTIES COST 9)
endif()

find_program(ETALON_NODE node)
if(ETALON_NODE)
  add_test(NAME cuda_compiles COMMAND ${ETALON_NODE} ${ETALON_CUDA_ROOT}/test/cuda/ptxas.mjs)
  set_tests_properties(cuda_compiles PROPERTIES SKIP_RETURN_CODE 77 PROCESSORS 2)   # it compiles a file a core
endif()
