# The CUDA launchers, for ETALON_CUDA=ON. Never built by `npm ci`.
#   include(cmake/cuda.cmake)
#   etalon_add_cuda(etalon)      adds src/cuda/*.cu and a static CUDA runtime to the target
# Include it at the top level of a project: enable_language is called here.
include_guard(GLOBAL)
if(NOT CMAKE_CUDA_COMPILER)
  find_program(ETALON_NVCC nvcc HINTS $ENV{CUDACXX} $ENV{CUDA_PATH}/bin $ENV{CUDA_HOME}/bin PATHS /usr/local/cuda/bin /opt/cuda/bin)
  if(NOT ETALON_NVCC)
    message(FATAL_ERROR "ETALON_CUDA is ON and nvcc is not found: set CUDACXX or CUDA_PATH, or leave ETALON_CUDA off")
  endif()
  set(CMAKE_CUDA_COMPILER ${ETALON_NVCC})
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "75-real;80-real;86-real;89-real;90-real;100-real;120")
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
set(ETALON_CUDA_FOLDER ${CMAKE_CURRENT_LIST_DIR}/..)

# Compiled once, whatever number of libraries take it.
file(GLOB ETALON_CUDA_SOURCES CONFIGURE_DEPENDS ${ETALON_CUDA_FOLDER}/src/cuda/*.cu)
add_library(etalon_cuda_objects OBJECT ${ETALON_CUDA_SOURCES})
set_target_properties(etalon_cuda_objects PROPERTIES
  CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON POSITION_INDEPENDENT_CODE ON
  CUDA_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON CUDA_RUNTIME_LIBRARY Static)
target_include_directories(etalon_cuda_objects PRIVATE ${ETALON_CUDA_FOLDER}/include ${ETALON_CUDA_FOLDER}/src)
# No contraction: an element has the bits of the CPU's form. Host code likewise.
target_compile_options(etalon_cuda_objects PRIVATE -fmad=false -Xcompiler=-Wall,-Wextra,-ffp-contract=off)

function(etalon_add_cuda target)
  set_target_properties(${target} PROPERTIES CUDA_STANDARD 17)   # else CMake takes the C++ standard, and its 3.25 knows no CUDA20
  target_compile_definitions(${target} PUBLIC ETALON_HAS_CUDA=1)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:etalon_cuda_objects>)
  target_link_libraries(${target} PRIVATE CUDA::cudart_static)
endfunction()
