# Turns files into one C file: cmake -DOUT=assets_data.c -DROOT=<source dir> -P embed.cmake
set(files
    "/|text/html|api/page/index.html"
    "/page.js|text/javascript|api/page/page.js"
    "/page.css|text/css|api/page/page.css"
    "/api/v1/openapi.yaml|application/yaml|api/openapi.yaml")
set(arrays "")
set(table "")
set(count 0)
foreach(entry ${files})
    string(REPLACE "|" ";" parts "${entry}")
    list(GET parts 0 path)
    list(GET parts 1 type)
    list(GET parts 2 file)
    file(READ ${ROOT}/${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char FILE_${count}[] = {${bytes}};\n")
    string(APPEND table "    {\"${path}\", \"${type}; charset=utf-8\", FILE_${count}, sizeof FILE_${count}},\n")
    math(EXPR count "${count} + 1")
endforeach()
file(WRITE ${OUT} "/* Made from api/page and api/openapi.yaml by api/embed.cmake. */
#include \"api/assets.h\"

${arrays}
const struct asset ASSETS[] = {
${table}};
const unsigned ASSET_COUNT = ${count};
")
