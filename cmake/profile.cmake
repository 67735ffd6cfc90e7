# EARSHOT_PROFILE: `make` counts how often each branch is taken, `use` builds with what was counted. scripts/fast does both,
# with traffic of our own in between; docs/decisions/trained-build.md says why. What that traffic does not reach is built as
# ever (-fprofile-partial-training), not for size.
if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU" OR CMAKE_C_COMPILER_VERSION VERSION_LESS 12)
    message(FATAL_ERROR "EARSHOT_PROFILE needs gcc 12 or later")
endif()

set(profile_at -fprofile-prefix-path=${CMAKE_BINARY_DIR})
if(EARSHOT_PROFILE STREQUAL "make")
    list(APPEND profile_at -fprofile-generate=${EARSHOT_PROFILE_DIR} -fprofile-update=atomic)
    target_link_options(earshot_flags INTERFACE -fprofile-generate)
elseif(EARSHOT_PROFILE STREQUAL "use")
    file(GLOB_RECURSE counts ${EARSHOT_PROFILE_DIR}/*.gcda)
    if(NOT counts)
        message(FATAL_ERROR "nothing was counted in ${EARSHOT_PROFILE_DIR}: scripts/fast builds, trains and builds again")
    endif()
    list(APPEND profile_at -fprofile-use=${EARSHOT_PROFILE_DIR} -fprofile-partial-training -Wno-missing-profile)
else()
    message(FATAL_ERROR "EARSHOT_PROFILE is \"make\", \"use\" or empty, not \"${EARSHOT_PROFILE}\"")
endif()
target_compile_options(earshot_flags INTERFACE ${profile_at})
