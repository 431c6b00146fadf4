# Embeds the style sheet, the script and the charting library of report.html as strings in the report component.
option(WENGERT_UPLOT "Fetch uPlot by npm for interactive charts in report.html; otherwise they are static" ${PROJECT_IS_TOP_LEVEL})
set(page ${CMAKE_CURRENT_LIST_DIR})
set(uplot ${PROJECT_BINARY_DIR}/uplot)
set(page_inc ${PROJECT_BINARY_DIR}/generated/report/page.inc)
if(WENGERT_UPLOT)
  add_custom_command(OUTPUT ${uplot}/uPlot.iife.min.js ${uplot}/uPlot.min.css COMMAND bash ${page}/fetch_uplot.sh ${uplot}
                     DEPENDS ${page}/fetch_uplot.sh COMMENT "Fetching uPlot" VERBATIM)
else()
  file(WRITE ${uplot}/uPlot.iife.min.js "")
  file(WRITE ${uplot}/uPlot.min.css "")
endif()
set(page_files style=${page}/report.css script=${page}/report.js uplot_script=${uplot}/uPlot.iife.min.js uplot_style=${uplot}/uPlot.min.css)
add_custom_command(OUTPUT ${page_inc} COMMAND ${CMAKE_COMMAND} -DOUTPUT=${page_inc} "-DFILES=${page_files}" -P ${page}/embed.cmake
                   DEPENDS ${page}/embed.cmake ${page}/report.css ${page}/report.js ${uplot}/uPlot.iife.min.js ${uplot}/uPlot.min.css
                   VERBATIM)
target_sources(wengert_report PRIVATE ${page_inc})
target_include_directories(wengert_report PRIVATE ${PROJECT_BINARY_DIR}/generated)
