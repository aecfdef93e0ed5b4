# etalon_mpi.node, the ranks of a data-parallel run, where an MPI is found (Open MPI, MPICH and its kin; by mpicc, or MPI_HOME). An addon of its own: nothing else links MPI.
# Never in prebuilt packages: MPIs have no common ABI.
option(ETALON_MPI "Build the MPI addon where MPI is found" ON)
if(ETALON_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)   # the C interface; the C++ one is gone since MPI 3
  find_package(MPI QUIET COMPONENTS CXX)
endif()
if(ETALON_MPI AND MPI_CXX_FOUND)
  message(STATUS "MPI: ${MPI_CXX_LIBRARIES}")
  etalon_add_addon(etalon_mpi etalon_mpi src/mpi/addon.cpp src/mpi/mpi_transport.cpp src/mpi/collectives.cpp)
  target_link_libraries(etalon_mpi PRIVATE MPI::MPI_CXX Threads::Threads ${CMAKE_DL_LIBS})
  target_compile_options(etalon_mpi PRIVATE -ffp-contract=off)
endif()
