# What `cmake --install` puts beside the programs: pkg-config file and CMake package.
include(CMakePackageConfigHelpers)

configure_file(cmake/lockstep.pc.in ${PROJECT_BINARY_DIR}/lockstep.pc @ONLY)
configure_file(cmake/lockstepConfig.cmake.in ${PROJECT_BINARY_DIR}/lockstepConfig.cmake @ONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake
    COMPATIBILITY SameMajorVersion)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
install(FILES ${PROJECT_BINARY_DIR}/lockstep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_BINARY_DIR}/lockstepConfig.cmake
              ${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake DESTINATION ${package_dir})
install(EXPORT lockstep-targets NAMESPACE lockstep:: DESTINATION ${package_dir})
