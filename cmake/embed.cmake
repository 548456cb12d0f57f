# SPDX-License-Identifier: GPL-3.0-or-later
# cmake -DOUT=assets.c "-DFILES=a.css;b.js" -P embed.cmake
# Writes the files as C arrays, with the table that graphs/assets.h reads.
set(arrays "")
set(rows "")
set(n 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char bytes_${n}[] = {\n${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", bytes_${n}, sizeof bytes_${n} - 1},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "/* Made from graphs/pages/ by cmake/embed.cmake. */
#include \"graphs/assets.h\"

#include <string.h>

${arrays}
static const struct graph_asset assets[] = {
${rows}};

const struct graph_asset *graph_asset(const char *name)
{
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++) {
        if (strcmp(assets[i].name, name) == 0) {
            return &assets[i];
        }
    }
    return NULL;
}
")
