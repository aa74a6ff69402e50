# How every target of the tree is built: language level, warnings, sanitizers,
# clang-tidy, and ls_module(), which gives each folder one library that links
# only what the folder may use (docs/ARCHITECTURE.md, "Layers").

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

add_compile_definitions(_GNU_SOURCE)
add_compile_definitions(HASH_FUNCTION=HASH_FNV) # of uthash; its default falls through cases

option(LOCKSTEP_WERROR "Warnings are errors" OFF)
option(LOCKSTEP_TIDY "Run clang-tidy on every file" OFF)
option(LOCKSTEP_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(LOCKSTEP_SANITIZE "" CACHE STRING "Sanitizers, for -fsanitize=")

add_compile_options(
    -Wall -Wextra -Wshadow -Wwrite-strings -Wmissing-prototypes -Wstrict-prototypes
    -Wold-style-definition -Wformat=2 -Wvla -Wpointer-arith -Wimplicit-fallthrough
    -Wundef -fno-common)
if(LOCKSTEP_WERROR)
    add_compile_options(-Werror)
endif()
if(LOCKSTEP_SANITIZE)
    add_compile_options(-fsanitize=${LOCKSTEP_SANITIZE} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${LOCKSTEP_SANITIZE})
endif()
if(LOCKSTEP_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(LOCKSTEP_TIDY)
    set(CMAKE_C_CLANG_TIDY clang-tidy)
endif()

# ls_module(NAME SOURCES … LINKS …): the library of one folder.
function(ls_module name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_LINKS})
endfunction()

# ls_program(NAME SOURCES … LINKS …): an installed program, in bin/.
function(ls_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LINKS})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
