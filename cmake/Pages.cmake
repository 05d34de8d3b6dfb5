# Make OUT, the pages as they ship, from WEB, the pages as they are written: for each page a bundle
# of its modules and one of its styles, minified, with source maps, in a folder `immutable` and
# named by their content; what other sites load keeps its address, and is one file with all that it
# needs. Beside each file stands the same one as .br and .gz, for the daemon to choose from.
#
#   cmake -DWEB=web -DOUT=build/web -DESBUILD=esbuild -DBROTLI=brotli -DGZIP=gzip -P Pages.cmake
cmake_minimum_required(VERSION 3.25)

# A daemon that serves OUT keeps its folder.
file(GLOB old LIST_DIRECTORIES true ${OUT}/*)
if(old)
  file(REMOVE_RECURSE ${old})
endif()
file(MAKE_DIRECTORY ${OUT})
file(COPY ${WEB}/ DESTINATION ${OUT}
  REGEX "/(check|client|lab|lib|missing|room|signals|status|trust)$" EXCLUDE
  PATTERN "*.html" EXCLUDE PATTERN "*.css" EXCLUDE)

function(run)
  execute_process(COMMAND ${ARGV} WORKING_DIRECTORY ${OUT} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The bundle whose entry is called so.
function(find_bundle meta entry ret)
  string(JSON count LENGTH "${meta}" outputs)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON name MEMBER "${meta}" outputs ${i})
    string(JSON from ERROR_VARIABLE none GET "${meta}" outputs ${name} entryPoint)
    if(from MATCHES "/${entry}$")
      set(${ret} ${name} PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# What the modules of that list need before they run, and so on.
function(find_needed meta names ret)
  set(found)
  while(names)
    list(POP_FRONT names name)
    string(JSON count LENGTH "${meta}" outputs ${name} imports)
    while(count GREATER 0)
      math(EXPR count "${count} - 1")
      string(JSON kind GET "${meta}" outputs ${name} imports ${count} kind)
      string(JSON path GET "${meta}" outputs ${name} imports ${count} path)
      if(kind STREQUAL "import-statement" AND NOT path IN_LIST found)
        list(APPEND found ${path})
        list(APPEND names ${path})
      endif()
    endwhile()
  endwhile()
  set(${ret} ${found} PARENT_SCOPE)
endfunction()

function(make_page page)
  file(READ ${WEB}/${page} html)
  if(NOT html MATCHES "\n *<script type=\"module\" src=\"(/?)(([a-z]+)/app\\.js)\"></script>")
    message(FATAL_ERROR "${page} has no script type=\"module\" src=\"FOLDER/app.js\"")
  endif()
  set(line "${CMAKE_MATCH_0}")
  set(top "${CMAKE_MATCH_1}")
  set(script ${CMAKE_MATCH_2})
  set(folder ${CMAKE_MATCH_3})

  set(sheet)
  string(REGEX MATCHALL "<link rel=\"stylesheet\" href=\"/?[a-z]+\\.css\">" links "${html}")
  foreach(link ${links})
    string(REGEX REPLACE ".* href=\"/?|\">" "" name "${link}")
    string(APPEND sheet "@import \"${WEB}/${name}\";\n")
  endforeach()
  file(WRITE ${OUT}.made/${folder}.css "${sheet}")
  run(${ESBUILD} ${WEB}/${script} ${OUT}.made/${folder}.css --bundle --splitting --format=esm
    --minify --sourcemap --entry-names=[name]-[hash] --chunk-names=[name]-[hash]
    --outdir=${OUT}/${folder}/immutable --metafile=${OUT}.made/${folder}.json --log-level=warning)

  file(READ ${OUT}.made/${folder}.json meta)
  find_bundle("${meta}" ${script} app)
  find_bundle("${meta}" ${folder}.css style)
  find_needed("${meta}" ${app} needed)
  set(head "\n  <link rel=\"stylesheet\" href=\"${top}${style}\">")
  foreach(name ${needed})
    string(APPEND head "\n  <link rel=\"modulepreload\" href=\"${top}${name}\">")
  endforeach()
  string(APPEND head "\n  <script type=\"module\" src=\"${top}${app}\"></script>")
  string(REGEX REPLACE "\n *<link rel=\"stylesheet\"[^>]*>" "" html "${html}")
  string(REPLACE "${line}" "${head}" html "${html}")
  file(WRITE ${OUT}/${page} "${html}")
endfunction()

run(${ESBUILD} ${WEB}/client.js ${WEB}/mesh.js ${WEB}/signaling.js --bundle --format=esm --minify
  --sourcemap --allow-overwrite --outdir=${OUT} --log-level=warning)

file(GLOB pages RELATIVE ${WEB} ${WEB}/*.html)
foreach(page ${pages})
  make_page(${page})
endforeach()
file(REMOVE_RECURSE ${OUT}.made)

file(GLOB_RECURSE files ${OUT}/*)
run(${BROTLI} --best ${files})
run(${GZIP} --best --no-name --keep ${files})
