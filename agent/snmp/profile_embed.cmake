# SPDX-License-Identifier: GPL-3.0-or-later
# cmake -DOUT=profile_shipped.c "-DFILES=a.yaml;b.yaml" -P profile_embed.cmake
# Writes the files as C arrays, with the table of profile_shipped.h, in their order.
set(arrays "")
set(rows "")
set(n 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WLE)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char text_${n}[] = {\n${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", (const char *)text_${n}, sizeof text_${n} - 1},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE ${OUT} "/* Made from agent/profiles/ by agent/snmp/profile_embed.cmake. */
#include \"profile_shipped.h\"

${arrays}
const struct profile_shipped profile_shipped[] = {
${rows}};
const size_t profile_n_shipped = ${n};
")
