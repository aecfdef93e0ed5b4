# etalon_nccl.so, NCCL as what carries the ranks' long messages (src/nccl), where the MPI addon is built, CUDA's runtime and NCCL 2.14 or newer are found, and a program of them compiles and links.
# NCCL_HOME (or NCCL_ROOT) says where nccl.h and libnccl are, CUDA_PATH or CUDACXX where CUDA is. Host code alone: nvcc compiles nothing here, and no GPU is needed to build.
# A library of its own: the MPI addon loads it where it is asked for, so that a process that does not ask needs neither CUDA nor NCCL. Never in prebuilt packages, as the MPI addon.
option(ETALON_NCCL "Build the NCCL path where the MPI addon is built, and CUDA and NCCL are found" ON)
set(etalon_nccl_works FALSE)
if(ETALON_NCCL AND etalon_mpi_works)
  find_package(CUDAToolkit QUIET)
  set(etalon_nccl_places ENV NCCL_HOME ENV NCCL_ROOT ${CUDAToolkit_LIBRARY_ROOT})
  foreach(found ETALON_NCCL_INCLUDE ETALON_NCCL_LIBRARY ETALON_NCCL_COMPILES)
    unset(${found} CACHE)   # they may have come since
  endforeach()
  find_path(ETALON_NCCL_INCLUDE nccl.h HINTS ${etalon_nccl_places} PATH_SUFFIXES include)
  find_library(ETALON_NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS ${etalon_nccl_places} PATH_SUFFIXES lib lib64)   # NVIDIA's wheels have the versioned name alone
  if(TARGET CUDA::cudart_static AND ETALON_NCCL_INCLUDE AND ETALON_NCCL_LIBRARY)
    include(CheckCXXSourceCompiles)
    set(CMAKE_REQUIRED_INCLUDES ${ETALON_NCCL_INCLUDE})
    set(CMAKE_REQUIRED_LIBRARIES CUDA::cudart_static ${ETALON_NCCL_LIBRARY})
    set(CMAKE_REQUIRED_QUIET ON)
    check_cxx_source_compiles("
      #include <nccl.h>
      #if NCCL_VERSION_CODE < NCCL_VERSION(2, 14, 0)
      #error
      #endif
      int main() {
        ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
        ncclUniqueId id;
        ncclComm_t comm;
        int count = 0;
        cudaGetDeviceCount(&count);
        ncclCommInitRankConfig(&comm, 1, id, 0, &config);
        ncclSend(nullptr, 0, ncclUint8, 0, comm, nullptr);
        return ncclCommFinalize(comm);
      }" ETALON_NCCL_COMPILES)
    unset(CMAKE_REQUIRED_INCLUDES)
    unset(CMAKE_REQUIRED_LIBRARIES)
    unset(CMAKE_REQUIRED_QUIET)
    set(etalon_nccl_works ${ETALON_NCCL_COMPILES})
    if(NOT etalon_nccl_works)
      message(STATUS "NCCL: etalon_nccl.so is left out: ${ETALON_NCCL_INCLUDE}/nccl.h is there, but a program of NCCL 2.14 and CUDA ${CUDAToolkit_VERSION} does not compile and link with it")
    endif()
  else()
    set(etalon_nccl_lacks "")
    if(NOT TARGET CUDA::cudart_static)
      list(APPEND etalon_nccl_lacks "CUDA's runtime")
    endif()
    if(NOT ETALON_NCCL_INCLUDE)
      list(APPEND etalon_nccl_lacks "nccl.h")
    endif()
    if(NOT ETALON_NCCL_LIBRARY)
      list(APPEND etalon_nccl_lacks "libnccl")
    endif()
    list(JOIN etalon_nccl_lacks ", " etalon_nccl_lacks)
    message(STATUS "NCCL: etalon_nccl.so is not built: not found: ${etalon_nccl_lacks} (NCCL_HOME says where NCCL is)")
  endif()
endif()
if(etalon_nccl_works)
  message(STATUS "NCCL: ${ETALON_NCCL_LIBRARY}, CUDA ${CUDAToolkit_VERSION}")
  add_library(etalon_nccl MODULE src/nccl/module.cpp src/nccl/device.cpp src/nccl/nccl_transport.cpp src/nccl/communicator.cpp src/mpi/collectives.cpp src/mpi/agreement.cpp src/mpi/waiting.cpp)
  set_target_properties(etalon_nccl PROPERTIES PREFIX "" SUFFIX ".so" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/Release)
  target_include_directories(etalon_nccl PRIVATE src)
  target_include_directories(etalon_nccl SYSTEM PRIVATE ${ETALON_NCCL_INCLUDE})
  target_compile_options(etalon_nccl PRIVATE -Wall -Wextra -ffp-contract=off)
  target_link_libraries(etalon_nccl PRIVATE CUDA::cudart_static ${ETALON_NCCL_LIBRARY})
  etalon_export_only(etalon_nccl etalon_nccl_*)
else()
  file(REMOVE ${CMAKE_BINARY_DIR}/Release/etalon_nccl.so)   # of a build with another CUDA or NCCL
endif()
