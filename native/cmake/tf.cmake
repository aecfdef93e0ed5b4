# etalon_tf.node, the TensorFlow ops. TensorFlow itself is needed neither here nor to load it: src/tf/tensorflow.h.
etalon_add_addon(etalon_tf etalon_tf src/tf/addon.cpp src/tf/ops.cpp src/tf/cpu.cpp src/tf/tensorflow.cpp)
target_link_libraries(etalon_tf PRIVATE ${CMAKE_DL_LIBS})
if(ETALON_CUDA)
  target_sources(etalon_tf PRIVATE src/tf/gpu.cpp)
  target_link_libraries(etalon_tf PRIVATE CUDA::cudart_static)
endif()
