# SPDX-License-Identifier: GPL-3.0-or-later
# cmake -DOUT=assets.c -DTEMPLATE=assets.c.in "-DFILES=a.css;b.js" -P embed.cmake
# Writes the files as C arrays into TEMPLATE, where @arrays@ stands for them, @rows@ for a row
# {"name", bytes, size} of each (names without extension if SHORT_NAMES is set), @n@ for how many.
set(arrays "")
set(rows "")
set(n 0)
foreach(file IN LISTS FILES)
  if(SHORT_NAMES)
    get_filename_component(name ${file} NAME_WLE)
  else()
    get_filename_component(name ${file} NAME)
  endif()
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char bytes_${n}[] = {\n${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", bytes_${n}, sizeof bytes_${n} - 1},\n")
  math(EXPR n "${n} + 1")
endforeach()
configure_file(${TEMPLATE} ${OUT} @ONLY)
