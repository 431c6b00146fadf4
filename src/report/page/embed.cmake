# Embeds files as constexpr string_views in a C++ source: cmake -DOUTPUT=page.inc -DFILES="name=path;…" -P embed.cmake
set(text "// Made by embed.cmake.\n")
foreach(entry ${FILES})
  string(REGEX MATCH "^([a-z_]+)=(.*)$" matched "${entry}")
  set(name ${CMAKE_MATCH_1})
  file(READ "${CMAKE_MATCH_2}" content)
  string(APPEND text "constexpr std::string_view ${name} = R\"embedded(${content})embedded\";\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
