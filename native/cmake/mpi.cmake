# etalon_mpi.node, the ranks of a data-parallel run, where an MPI is found (Open MPI, MPICH and its kin; by mpicc, or MPI_HOME) and a program of it compiles and links. An addon of its own:
# nothing else links MPI. Where an MPI is there and does not work, only this addon is left out, and that is said (scripts/build.mjs passes the line on).
# Never in prebuilt packages: MPIs have no common ABI.
option(ETALON_MPI "Build the MPI addon where MPI is found" ON)
set(etalon_mpi_works FALSE)
if(ETALON_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)   # the C interface; the C++ one is gone since MPI 3
  find_package(MPI QUIET COMPONENTS CXX)
  if(MPI_CXX_FOUND)
    include(CheckCXXSourceCompiles)
    set(CMAKE_REQUIRED_LIBRARIES MPI::MPI_CXX)
    set(CMAKE_REQUIRED_QUIET ON)
    unset(ETALON_MPI_COMPILES CACHE)   # an MPI may have been mended since
    check_cxx_source_compiles("
      #include <mpi.h>
      int main() {
        int provided = 0, done = 0;
        MPI_Comm node;
        MPI_Request request;
        MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
        MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
        MPI_Irecv(nullptr, 0, MPI_BYTE, 0, 1, node, &request);
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
        char text[MPI_MAX_LIBRARY_VERSION_STRING];
        return MPI_Get_library_version(text, &done);
      }" ETALON_MPI_COMPILES)
    unset(CMAKE_REQUIRED_LIBRARIES)
    unset(CMAKE_REQUIRED_QUIET)
    set(etalon_mpi_works ${ETALON_MPI_COMPILES})
  endif()
  unset(ETALON_MPI_COMPILER CACHE)
  find_program(ETALON_MPI_COMPILER NAMES mpicc mpicxx mpic++ HINTS ENV MPI_HOME PATH_SUFFIXES bin)
  if(NOT etalon_mpi_works AND (MPI_CXX_FOUND OR ETALON_MPI_COMPILER))
    message(STATUS "MPI: the addon etalon_mpi.node is left out: ${ETALON_MPI_COMPILER} is there, but a program of MPI does not compile and link with it")
  endif()
endif()
if(etalon_mpi_works)
  message(STATUS "MPI: ${MPI_CXX_LIBRARIES}")
  etalon_add_addon(etalon_mpi etalon_mpi src/mpi/addon.cpp src/mpi/ranks.cpp src/mpi/mpi_transport.cpp src/mpi/waiting.cpp src/mpi/agreement.cpp src/mpi/collectives.cpp)
  target_link_libraries(etalon_mpi PRIVATE MPI::MPI_CXX Threads::Threads ${CMAKE_DL_LIBS})
  target_compile_options(etalon_mpi PRIVATE -ffp-contract=off)
elseif(ETALON_MPI)
  file(REMOVE ${CMAKE_BINARY_DIR}/Release/etalon_mpi.node)   # of a build with another MPI
endif()
