@echo off
rem Windows: set up .venv the first time, then open the course in JupyterLab on the start page.
cd /d "%~dp0"
if exist .venv\.learner goto lab
py -3 tools\make_venv.py .venv requirements.txt
if errorlevel 1 exit /b 1
echo set up by lab.cmd> .venv\.learner
:lab
.venv\Scripts\jupyter lab --LabApp.default_url=/lab/tree/00_start_here.ipynb %* notebooks\learn
