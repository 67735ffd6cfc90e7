# Turns files into one C file: cmake -DOUT=assets_data.c -DROOT=<source dir> -DMADE=<what earshot-describe made> -P embed.cmake
# What stands in web/dist, which web/build.mjs makes, and the API's description. All but the document are packed with gzip, whose
# time stamp is blanked: equal files give equal bytes.
file(GLOB scripts RELATIVE ${ROOT}/web/dist ${ROOT}/web/dist/assets/*.js)
file(GLOB styles RELATIVE ${ROOT}/web/dist ${ROOT}/web/dist/assets/*.css)
file(GLOB pictures RELATIVE ${ROOT}/web/dist ${ROOT}/web/dist/assets/*.svg)
file(GLOB texts RELATIVE ${ROOT}/web/dist ${ROOT}/web/dist/assets/*.txt)
set(files
    "/|text/html; charset=utf-8|${ROOT}/web/dist/index.html"
    "/assets/docs.css|text/css; charset=utf-8|${ROOT}/api/docs.css"
    "/assets/docs.svg|image/svg+xml|${ROOT}/web/src/icon.svg"
    "/api/v1/docs|text/html; charset=utf-8|${MADE}/docs.html"
    "/api/v1/openapi.json|application/json|${MADE}/openapi.json"
    "/api/v1/openapi.yaml|application/yaml; charset=utf-8|${ROOT}/api/openapi.yaml")
foreach(name ${scripts})
    list(APPEND files "/${name}|text/javascript; charset=utf-8|${ROOT}/web/dist/${name}")
endforeach()
foreach(name ${styles})
    list(APPEND files "/${name}|text/css; charset=utf-8|${ROOT}/web/dist/${name}")
endforeach()
foreach(name ${texts})
    list(APPEND files "/${name}|text/plain; charset=utf-8|${ROOT}/web/dist/${name}")
endforeach()
foreach(name ${pictures})
    list(APPEND files "/${name}|image/svg+xml|${ROOT}/web/dist/${name}")
endforeach()

# A list of "path|type; more|file" would fall apart at the semicolon of the type: it is written as ~ until it is used.
string(REPLACE "; charset" "~ charset" files "${files}")
set(arrays "")
set(table "")
set(count 0)
foreach(entry ${files})
    string(REPLACE "|" ";" parts "${entry}")
    list(GET parts 0 path)
    list(GET parts 1 type)
    list(GET parts 2 file)
    string(REPLACE "~" ";" type "${type}")
    set(unpacked 0)
    if(path STREQUAL "/")
        file(READ ${file} hex HEX)
    else()
        file(SIZE ${file} unpacked)
        file(ARCHIVE_CREATE OUTPUT ${OUT}.gz PATHS ${file} FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
        file(READ ${OUT}.gz hex HEX)
        string(SUBSTRING "${hex}" 0 8 begin)
        string(SUBSTRING "${hex}" 16 -1 rest)
        set(hex "${begin}00000000${rest}")
    endif()
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char FILE_${count}[] = {${bytes}};\n")
    string(APPEND table "    {\"${path}\", \"${type}\", FILE_${count}, sizeof FILE_${count}, ${unpacked}},\n")
    math(EXPR count "${count} + 1")
endforeach()
file(REMOVE ${OUT}.gz)
file(WRITE ${OUT} "/* Made from web/dist, api/docs.css and api/openapi.yaml by api/embed.cmake. */
#include \"api/assets.h\"

${arrays}
const struct asset ASSETS[] = {
${table}};
const unsigned ASSET_COUNT = ${count};
")
